"""SHA-256 of files of any size; those of much data are remembered from command to command."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from optbench.errors import DataError

REMEMBERED = 64 << 20  # bytes: less is read in a moment
ANNOUNCED = 1 << 30  # bytes: so much takes seconds
BLOCK = 4 << 20
SETTLED = 2.0  # seconds; a file younger than that may yet change within its time stamp
INTERVAL = 20.0  # seconds between two lines about how far it is

Look = Callable[[bytes], None]  # at a block of a file, all of which come in their order
Stamp = tuple[tuple[str, int, int], ...]  # path, modification time in ns, bytes


def _silent(text: str) -> None:
    """Tells nobody."""


def file_digest(
    path: Path, announce: Callable[[str], None] = _silent, look: Look | None = None
) -> str:
    """SHA-256 of a file in hex, from the user's cache folder where it is known and large.

    `announce` is told, in lines for people, how far a very large one is; `look` is given all of it
    if it hasn't been before. Raises DataError for one that can't be read, or changes meanwhile, and
    what `look` raises.
    """
    try:
        status = path.stat()
        large = status.st_size >= REMEMBERED
        version = [status.st_size, status.st_mtime_ns, status.st_ino]
        memory = _Memory(path, version, status.st_mtime_ns, looked=bool(look)) if large else None
        if memory and memory.known:
            return memory.known
        digest = _read(path, _Reading(path, status.st_size, announce), look)
        after = path.stat()
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}.") from error
    if [after.st_size, after.st_mtime_ns, after.st_ino] != version:
        raise DataError(f"{path} changes while it is read; wait until it is whole.")
    if memory:
        memory.keep(digest)
    return digest


def stamp_digest(
    root: Path,
    stamp: Stamp,
    announce: Callable[[str], None] = _silent,
    look_at: Callable[[Path], Look | None] = lambda _: None,
) -> str:
    """SHA-256 over the names below `root` and the bytes of files, which are as `stamp` has them.

    That of many small ones is remembered as that of a large one is. `look_at` says what is to look
    at a file that is read. Raises as `file_digest`.
    """
    small = sum(size for _, _, size in stamp if size < REMEMBERED)
    memory = None
    if small >= REMEMBERED:
        newest = max(changed for _, changed, _ in stamp)
        memory = _Memory(root, stamp_version(stamp), newest, looked=True)
        if memory.known:
            return memory.known
    reading = _Reading(root, small, announce)
    listing = ListingDigest()
    for name, _, size in stamp:
        path = Path(name)
        is_small = size < REMEMBERED
        told = _silent if is_small else announce
        listing.add(str(path.relative_to(root)), file_digest(path, told, look_at(path)))
        reading.add(size if is_small else 0)
    if not stamp:
        listing.add("missing", str(root))
    digest = listing.hexdigest()
    if memory:
        memory.keep(digest)
    return digest


def stamp_version(stamp: Stamp) -> str:
    """Tells one stamp from the next in few bytes."""
    digest = hashlib.sha256()
    for entry in stamp:
        digest.update(f"{entry!r}\n".encode())
    return digest.hexdigest()


class ListingDigest:
    """SHA-256 over names and the digests that belong to them: of the list of both in JSON."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256(b"[")
        self._separator = ""

    def add(self, name: str, digest: str) -> None:
        """The next of the list."""
        self._digest.update(f"{self._separator}{json.dumps([name, digest])}".encode())
        self._separator = ", "

    def hexdigest(self) -> str:
        """That of all that was added, to which nothing is added any more."""
        self._digest.update(b"]")
        return self._digest.hexdigest()


def _read(path: Path, reading: _Reading, look: Look | None) -> str:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            if look:
                look(block)
            reading.add(len(block))
    return digest.hexdigest()


class _Reading:
    """Tells how far the reading of many bytes is."""

    def __init__(self, path: Path, size: int, announce: Callable[[str], None]) -> None:
        self.size = size
        self.announce = announce
        self.done = 0
        self.told = time.monotonic()
        if size >= ANNOUNCED:
            announce(
                f"Reading all {gigabytes(size)} of {path}: data are known by their content. Not "
                "again until it changes."
            )

    def add(self, count: int) -> None:
        self.done += count
        if time.monotonic() - self.told > INTERVAL:
            self.told = time.monotonic()
            self.announce(f"{gigabytes(self.done)} of {gigabytes(self.size)} are read.")


def gigabytes(size: int) -> str:
    """A size for people."""
    return f"{size / 1e9:,.1f} GB"


class _Memory:
    """What the user's cache folder knows of a path in one version, `changed` then (ns).

    Where the content is to be `looked` at, a note that doesn't say so knows nothing.
    """

    def __init__(self, path: Path, version: object, changed: int, *, looked: bool) -> None:
        self.path = path
        self.version = version
        self.looked = looked
        self.settled = time.time() - changed / 1e9 > SETTLED
        self.note = _note(path)

    @property
    def known(self) -> str | None:
        """The digest, if it is remembered; a damaged note knows nothing."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            found: Any = json.loads(self.note.read_bytes()) if self.note else {}
            if found["version"] == self.version and found.get("looked", False) >= self.looked:
                return str(found["sha256"])
        return None

    def keep(self, digest: str) -> None:
        """Not being able to is no fault: the data are then read again."""
        if self.note is None or not self.settled:
            return
        told = {
            "path": str(self.path),
            "version": self.version,
            "looked": self.looked,
            "sha256": digest,
        }
        with suppress(OSError):
            self.note.parent.mkdir(parents=True, exist_ok=True)
            draft = self.note.with_name(f"{self.note.name}.{os.getpid()}")
            draft.write_text(json.dumps(told), encoding="utf-8")
            draft.replace(self.note)


def _note(path: Path) -> Path | None:
    """Where the digest of a path is remembered; None for a user without a home directory."""
    import platformdirs

    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    try:
        return platformdirs.user_cache_path("optbench") / "digests" / f"{name}.json"
    except RuntimeError:
        return None
