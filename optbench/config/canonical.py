"""One text for one meaning: the form of configurations that is hashed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping


def canonical_json(value: object) -> str:
    """JSON with sorted keys, no spaces, ASCII only, and one spelling a number (1.0 is 1).

    Takes None, bool, int, float, str, lists, tuples and mappings with text keys; raises
    ValueError for numbers that are not finite and TypeError for anything else.
    """
    match value:
        case None | bool() | str():
            return json.dumps(value)
        case int() | float():
            return _number(value)
        case list() | tuple():
            return f"[{','.join(map(canonical_json, value))}]"
        case Mapping():
            return f"{{{','.join(_member(key, value[key]) for key in sorted(value))}}}"
    raise TypeError(f"{type(value).__name__} has no canonical form")


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()


def _member(key: object, value: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key must be text, got {key!r}")
    return f"{json.dumps(key)}:{canonical_json(value)}"


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"must be finite, got {value}")
    if value == int(value):
        return str(int(value))
    return float.__repr__(float(value))
