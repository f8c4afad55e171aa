"""A JSON document's own digest, its last key: the SHA-256 of all bytes before it."""

from __future__ import annotations

import hashlib
import re

KEY = "digest"
_END = "\n}\n"
_SEAL = re.compile(rb',\n "digest": "([0-9a-f]{64})"\n\}\n')
_SEAL_BYTES = len(f',\n "{KEY}": "{"0" * 64}"{_END}')


def sealed(text: str) -> str:
    """The text of an object, indented by 1 and ending in a line break, with its digest."""
    body = text.removesuffix(_END)
    return f'{body},\n "{KEY}": "{hashlib.sha256(body.encode()).hexdigest()}"{_END}'


def is_whole(content: bytes) -> bool:
    """Whether a sealed text is what was written."""
    found = _SEAL.fullmatch(content, max(0, len(content) - _SEAL_BYTES))
    if found is None:
        return False
    return hashlib.sha256(content[: found.start()]).hexdigest().encode() == found[1]
