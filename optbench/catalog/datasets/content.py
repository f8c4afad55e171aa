"""Files whose content is known beforehand: read no more than that, and believe nothing."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from typing import TYPE_CHECKING

from optbench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def read_content(path: Path, length: int, *, remedy: str) -> bytearray:
    """The file's content, decompressed where it ends in .gz: exactly `length` bytes.

    At most one byte more is ever read, so a file that expands without end costs nothing.
    Raises DataError, ending with `remedy`, for any other length and for unreadable files.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            content = bytearray(stream.read(length + 1))
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path} can't be read: {error}.\n  {remedy}") from error
    if len(content) != length:
        found = f"{len(content):,}" if len(content) < length else "more"
        raise DataError(f"{path} must hold {length:,} bytes, found {found}.\n  {remedy}")
    return content


def check_sha256(path: Path, content: bytearray, expected: str, *, remedy: str) -> None:
    """Raises DataError, ending with `remedy`, unless the content of `path` is the expected one."""
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DataError(
            f"{path} is damaged or another file: its content must have the SHA-256\n"
            f"  {expected}, found\n  {found}.\n  {remedy}"
        )
