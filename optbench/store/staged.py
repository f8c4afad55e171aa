"""Content that waits in a file for its place in a run's directory."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STAGING = re.compile(r"\.staging-[0-9a-f]{16}", re.ASCII)  # a command's folder in its store


@dataclass(frozen=True)
class Staged:
    """A whole file of this size and SHA-256, on the disk of the store: it is moved, not written."""

    path: Path
    size: int
    sha256: str


Content = bytes | Staged


def digest(content: Content) -> str:
    """Its SHA-256 in hexadecimal digits; of a staged file as whoever wrote it has told it."""
    return content.sha256 if isinstance(content, Staged) else hashlib.sha256(content).hexdigest()


def staging_name() -> str:
    """The name of a folder that no command has had before."""
    return f".staging-{secrets.token_hex(8)}"
