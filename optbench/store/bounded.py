"""Reading a file that may be a stranger's: regular, of bounded size, never waiting."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from optbench.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path


def open_regular(path: Path) -> int:
    """Open a regular file for reading and return its descriptor.

    Symbolic links, FIFOs, devices and directories raise StoreError; none of them is waited for.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(_why_closed(path, error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StoreError(f"{path}: not a regular file, so it is not read")
    return descriptor


def read_bounded(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes; StoreError otherwise."""
    with os.fdopen(open_regular(path), "rb") as stream:
        try:
            size = os.fstat(stream.fileno()).st_size
            content = stream.read(min(size, limit) + 1)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from error
    if len(content) > limit:
        raise StoreError(f"{path}: must be at most {limit:,} bytes to be read")
    return content


def sha256_of(path: Path) -> str:
    """The SHA-256 of a regular file of any size, in hexadecimal digits; StoreError otherwise."""
    with os.fdopen(open_regular(path), "rb") as stream:
        try:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}") from error


def _why_closed(path: Path, error: OSError) -> str:
    if path.is_symlink():
        return f"{path}: a symbolic link, not followed"
    return f"{path}: {error.strerror}"
