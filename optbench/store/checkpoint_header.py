"""A checkpoint's first line: whose bytes they are, and the SHA-256 of all that follow."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from optbench.errors import StoreError
from optbench.store.bounded import open_regular

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"optbench checkpoint 2 "
HEADER_BYTES = len(MAGIC) + 64 + 1
LIMIT = 1 << 36  # bytes; beyond that it is no checkpoint of ours
ALTERED = "its digest is not that of its content"


def header(content: bytes | memoryview) -> bytes:
    return _line(hashlib.sha256(content).hexdigest())


def fault_of(path: Path) -> str:
    """Why a file is not what was written, told by its digest; empty where it is."""
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            if os.fstat(stream.fileno()).st_size > LIMIT:  # a file with a hole costs nothing
                return f"it has more than {LIMIT:,} bytes"
            found = stream.read(HEADER_BYTES)
            whole = found == _line(hashlib.file_digest(stream, "sha256").hexdigest())
    except StoreError as error:
        return str(error).removeprefix(f"{path}: ")
    except OSError as error:
        return error.strerror or "it can't be read"
    return "" if whole else ALTERED


def _line(digest: str) -> bytes:
    return MAGIC + digest.encode() + b"\n"
