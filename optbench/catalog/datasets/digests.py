"""SHA-256 of files of any size; those of large files are remembered from command to command."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from optbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REMEMBERED = 64 << 20  # bytes: a smaller file is read in a moment
ANNOUNCED = 1 << 30  # bytes: so much takes seconds
BLOCK = 4 << 20
SETTLED = 2.0  # seconds; a file younger than that may yet change within its time stamp
INTERVAL = 20.0  # seconds between two lines about how far it is


def file_digest(path: Path, announce: Callable[[str], None] = lambda _: None) -> str:
    """SHA-256 of a file in hex, from the user's cache folder where it is known and large.

    `announce` is told, in lines for people, how far a very large one is. Raises DataError for one
    that can't be read, or changes meanwhile.
    """
    try:
        status = path.stat()
        note = _note(path) if status.st_size >= REMEMBERED else None
        version = [status.st_size, status.st_mtime_ns, status.st_ino]
        known = _remembered(note) if note else None
        if known and known["version"] == version:
            return str(known["sha256"])
        began = time.time()
        digest = _read(path, status.st_size, announce)
        after = path.stat()
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}.") from error
    if [after.st_size, after.st_mtime_ns, after.st_ino] != version:
        raise DataError(f"{path} changes while it is read; wait until it is whole.")
    if note and began - status.st_mtime > SETTLED:
        _remember(note, {"path": str(path), "version": version, "sha256": digest})
    return digest


def _read(path: Path, size: int, announce: Callable[[str], None]) -> str:
    digest, done, told = hashlib.sha256(), 0, time.monotonic()
    if size >= ANNOUNCED:
        announce(
            f"Reading all {_gigabytes(size)} of {path}: data are known by their content. Not again "
            "until it changes."
        )
    with path.open("rb", buffering=0) as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            done += len(block)
            if time.monotonic() - told > INTERVAL:
                told = time.monotonic()
                announce(f"{_gigabytes(done)} of {_gigabytes(size)} are read.")
    return digest.hexdigest()


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"


def _note(path: Path) -> Path | None:
    """Where the digest of a file is remembered; None for a user without a home directory."""
    import platformdirs

    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    try:
        return platformdirs.user_cache_path("optbench") / "digests" / f"{name}.json"
    except RuntimeError:
        return None


def _remembered(note: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(note.read_bytes())
        return found if {"version", "sha256"} <= set(found) else None
    except (OSError, ValueError, TypeError):
        return None


def _remember(note: Path, known: dict[str, Any]) -> None:
    """Not being able to is no fault: the file is then read again."""
    with suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        draft = note.with_name(f"{note.name}.{os.getpid()}")
        draft.write_text(json.dumps(known), encoding="utf-8")
        draft.replace(note)
