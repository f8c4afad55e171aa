"""Images decoded once, for later runs and all workers: an array in the data directory."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from optbench.catalog.datasets.alone import alone
from optbench.catalog.datasets.digests import ListingDigest, file_digest, gigabytes
from optbench.catalog.datasets.held import open_held
from optbench.catalog.datasets.mapped import version_of
from optbench.catalog.datasets.pixels import Shape, decode_all, decoder_version
from optbench.config.canonical import digest
from optbench.errors import DataError
from optbench.store.atomic import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    import numpy as np
    from numpy.typing import NDArray

FOLDER = "decoded"  # in the data directory
FIRST_TOLD, INTERVAL = 2.0, 10.0  # seconds until it is told how far decoding is, and from then on
REMEDY = "name another data directory by --data-dir or $OPTBENCH_DATA"


@dataclass(frozen=True)
class Images:
    """Image files of a folder of the user's, in the order of their examples.

    `content` is the digest of their names and bytes (`ListingDigest`).
    """

    folder: Path
    files: tuple[str, ...]
    content: str
    shape: Shape

    @property
    def bytes(self) -> int:
        """What they take once they are decoded."""
        return len(self.files) * self.shape.channels * self.shape.height * self.shape.width

    def decoded(
        self, announce: Callable[[str], None], place: Path | None = None
    ) -> Iterator[NDArray[np.uint8]]:
        """`[channels, height, width]` of one after the other.

        `announce` is told how far it is where that takes more than a moment, and the `place` that
        they go to. Raises ContentError for what is no image, and in the end DataError where the
        files are not those of `content` any more.
        """
        listing = ListingDigest()
        progress = _Progress(self, place, announce)
        for path, (pixels, sha256) in zip(
            self.files, decode_all(self.files, self.shape), strict=True
        ):
            listing.add(str(Path(path).relative_to(self.folder)), sha256)
            yield pixels
            progress.add_one()
        if listing.hexdigest() != self.content:
            raise DataError(f"{self.folder} changes while it is read; wait until it is whole.")


class Decoded:
    """Where the decoded images are kept: a folder of their own, which `about.json` makes whole."""

    def __init__(self, images: Images, data_dir: Path) -> None:
        key = digest([images.content, list(images.shape), decoder_version()])
        self.images = images
        self.folder = data_dir / FOLDER / key[:32]
        self.array = self.folder / "images.npy"
        self._about = self.folder / "about.json"

    def open(self, announce: Callable[[str], None] = lambda _: None) -> np.memmap[Any, Any]:
        """The array `[images, channels, height, width]`, memory-mapped; decoded if it isn't there.

        Any number of processes may ask at once: one decodes, the others wait. Raises ContentError
        for an image that is none, DataError where the disk has no room or doesn't take it.
        """
        if not self._is_whole(announce):
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                with alone(self.folder / "lock", "decoding", announce):
                    if not self._is_whole(announce):
                        self._decode(announce)
            except OSError as error:
                raise DataError(
                    f"{self.images.folder} can't be kept decoded in {self.folder}: "
                    f"{error.strerror or error}.\n  Mend that, or {REMEDY}."
                ) from error
        return open_held(self.array)

    def _is_whole(self, announce: Callable[[str], None]) -> bool:
        """Whether the array is there as it was written; read again where it looks another."""
        try:
            about = json.loads(self._about.read_bytes())
            as_written = [*version_of(str(self.array))] == about["version"]
            return as_written or file_digest(self.array, announce) == str(about["sha256"])
        except (OSError, ValueError, TypeError, KeyError, DataError):
            return False

    def _decode(self, announce: Callable[[str], None]) -> None:
        """Write the array beside its place, and move it there once it is whole."""
        self._check_room()
        if self._about.exists():
            announce(f"{self.array} is damaged; the images are decoded again.")
            self._about.unlink()
        draft = self.folder / "images.npy.part"
        try:
            with draft.open("wb") as stream:
                sha256 = self._write(stream, announce)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(self.array)
        except BaseException:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
        about = {
            "folder": str(self.images.folder),
            "shape": [len(self.images.files), *self.images.shape],
            "decoder": decoder_version(),
            "sha256": sha256,
            "version": version_of(str(self.array)),
        }
        write_atomic(self._about, json.dumps(about, indent=1).encode())

    def _write(self, stream: BinaryIO, announce: Callable[[str], None]) -> str:
        """Write the .npy file; its SHA-256.

        Not through a map of it, as numpy would: a disk that is full ends the process then.
        """
        from numpy.lib import format as npy

        header = io.BytesIO()
        shape = (len(self.images.files), *self.images.shape)
        npy.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
        stream.write(header.getvalue())
        sha256 = hashlib.sha256(header.getvalue())
        for pixels in self.images.decoded(announce, self.folder):
            content = pixels.tobytes()
            sha256.update(content)
            stream.write(content)
        return sha256.hexdigest()

    def _check_room(self) -> None:
        free = shutil.disk_usage(self.folder).free
        if self.images.bytes > free:
            raise DataError(
                f"{self.images.folder} takes {gigabytes(self.images.bytes)} once it is decoded; "
                f"{self.folder} has room for {gigabytes(free)}.\n"
                f"  Make room there, {REMEDY}, or take a smaller size."
            )


class _Progress:
    """Tells how far decoding is, where it takes more than a moment."""

    def __init__(self, images: Images, place: Path | None, announce: Callable[[str], None]) -> None:
        self.images = images
        self.place = place
        self.announce = announce
        self.done = 0
        self.began = monotonic()
        self.due = self.began + FIRST_TOLD

    def add_one(self) -> None:
        self.done += 1
        now = monotonic()
        if now < self.due:
            return
        total = len(self.images.files)
        if self.due == self.began + FIRST_TOLD:
            what = f"Decoding {total:,} images of {self.images.folder}"
            size = gigabytes(self.images.bytes)
            self.announce(f"{what} once, {size}, to {self.place}." if self.place else f"{what}.")
        left = (now - self.began) / self.done * (total - self.done)
        self.announce(f"{self.done:,} of {total:,} images are decoded; {_roughly(left)} left.")
        self.due = now + INTERVAL


def _roughly(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:,.0f} min"
