"""Files whose content is known beforehand: read no more than that, and believe nothing."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from typing import TYPE_CHECKING

from optbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_NAMES = {"md5": "MD5", "sha256": "SHA-256"}


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
    _compare(path, "its content", "SHA-256", expected, hashlib.sha256(content).hexdigest(), remedy)


def check_file(path: Path, algorithm: str, expected: str, *, remedy: str) -> None:
    """The same of the file itself, of any size; `algorithm` is md5 or sha256.

    An MD5 tells damage; it doesn't keep out what was forged on purpose.
    """
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(
                stream, lambda: hashlib.new(algorithm, usedforsecurity=False)
            )
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}.\n  {remedy}") from error
    _compare(path, "it", _NAMES[algorithm], expected, digest.hexdigest(), remedy)


def first_file(folder: Path, names: Iterable[str]) -> Path | None:
    """The first of `names` that is a file in `folder`; raises DataError where none can look."""
    try:
        return next((folder / name for name in names if (folder / name).is_file()), None)
    except OSError as error:
        raise DataError(
            f"{folder} can't be looked into: {error.strerror}.\n"
            "  Make it readable, or name another data directory by --data-dir or $OPTBENCH_DATA."
        ) from error


def _compare(path: Path, what: str, algorithm: str, expected: str, found: str, remedy: str) -> None:
    if found != expected:
        raise DataError(
            f"{path} is damaged or another file: {what} must have the {algorithm}\n"
            f"  {expected}, found\n  {found}.\n  {remedy}"
        )
