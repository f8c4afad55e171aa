"""Images in a folder for each class: `train/cat/1.png` and `test/cat/2.png`, or `cat/1.png`."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.decoded import Decoded, Images
from optbench.catalog.datasets.labelled import check_targets, parted
from optbench.catalog.datasets.mapped import Mapped
from optbench.catalog.datasets.own import Facts, OwnSource, one_look
from optbench.catalog.datasets.pixels import SUFFIXES, Shape
from optbench.catalog.datasets.task import Task
from optbench.errors import ContentError, DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

PARTS = ("train", "test")
IN_MEMORY = 64 << 20  # bytes of decoded images; more stay in a file


@dataclass(frozen=True)
class ImageFolder(OwnSource):
    """PNG and JPEG files, resized to `size` (height, width), as `[channels, height, width]`.

    Classes are numbered in the order of their names. Where there are no folders train and test,
    the share `test_share` of each class is the test set. Few images are decoded into memory, more
    into a file of the data directory, from which they are read as those of a .npy file are.
    """

    size: tuple[int, int]
    channels: int
    test_share: float

    def read_by(self, data_dir: Path) -> tuple[Examples, Examples]:
        if not self.mapped_bytes:
            return self.read()
        array = Decoded(self.images(), data_dir).open()
        return self._parted(Mapped.of(array, "u1").as_array())

    def read(self) -> tuple[Examples, Examples]:
        return self._parted(_in_memory(self.images(), _Listener()))

    def unpack(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        if not Path(self.path).exists():
            return
        with self.looked_into(), one_look():
            if self.mapped_bytes:
                Decoded(self.images(), data_dir).open(announce)
            else:
                _in_memory(self.images(), _Listener(announce))

    def files(self) -> Iterator[Path]:
        for folder in self._parts:
            for name in _subfolders(folder):
                yield from _images(folder / name)

    @property
    def _facts(self) -> Facts:
        return _facts(self, self._folders())

    def images(self) -> Images:
        """All of them, in the order of their examples."""
        shape = Shape(self.channels, *self.size)
        return Images(Path(self.path), tuple(map(str, self.files())), self.content_hash(), shape)

    def listing(self) -> Listing:
        """Which class each has, and which are to train; raises DataError where that can't be."""
        import numpy as np

        parts = self._parts
        names = _class_names(parts[0])
        unknown = [name for part in parts[1:] for name in _class_names(part) if name not in names]
        if unknown:
            raise ContentError(f"{parts[1] / unknown[0]} is a class that {parts[0]} lacks.")
        labels = [_labels(part, names) for part in parts]
        targets = np.concatenate(labels)
        if len(parts) == 1:
            listing = Listing(targets, *parted(targets, self.test_share, self.path))
        else:
            border = len(labels[0])
            listing = Listing(targets, slice(border), slice(border, None))
        check_targets(targets[listing.train], targets[listing.test], self.path)
        return listing

    def _parted(self, images: NDArray[np.uint8]) -> tuple[Examples, Examples]:
        """Examples of images, decoded or mapped, to train and to test."""
        listing = self.listing()
        if len(images) != len(listing.targets):
            raise DataError(f"{self.path} changes while it is read; wait until it is whole.")
        train, test = (
            Examples(images[part], listing.targets[part]) for part in (listing.train, listing.test)
        )
        return train, test

    @property
    def _parts(self) -> list[Path]:
        """The folders of the training and the test images, or the one of all."""
        root = Path(self.path)
        parts = [root / part for part in PARTS]
        return parts if all(part.is_dir() for part in parts) else [root]

    def _folders(self) -> Folders:
        """Tells one list of files from the next, without looking at each."""
        with self.looked_into():
            parts = self._parts
            found = [Path(self.path), *parts]
            found += [part / name for part in parts for name in _subfolders(part)]
            return tuple((str(folder), folder.stat().st_mtime_ns) for folder in found)


@dataclass(frozen=True, eq=False)
class Listing:
    """The classes of all images, and which of them are to train and to test."""

    targets: NDArray[np.int64]
    train: NDArray[np.intp] | slice
    test: NDArray[np.intp] | slice


Folders = tuple[tuple[str, int], ...]  # path, modification time in ns


@lru_cache(maxsize=16)  # every setting asks again
def _facts(source: ImageFolder, folders: Folders) -> Facts:  # noqa: ARG001 (part of the key)
    with source.looked_into():
        listing = source.listing()
    train, test = (len(listing.targets[part]) for part in (listing.train, listing.test))
    shape = (source.channels, *source.size)
    decoded = math.prod(shape) * len(listing.targets)
    task = Task(shape, int(listing.targets.max()) + 1)
    return Facts(task, train, test, mapped_bytes=decoded if decoded > IN_MEMORY else 0)


@dataclass(frozen=True)
class _Listener:
    """Who is told how far decoding is; to a cache of what is decoded all are alike."""

    announce: Callable[[str], None] = field(default=lambda _: None, compare=False)


@lru_cache(maxsize=1)  # looked through before runs train, and then trained on
def _in_memory(images: Images, listener: _Listener) -> NDArray[np.uint8]:
    import numpy as np

    array = np.empty((len(images.files), *images.shape), np.uint8)
    for position, pixels in enumerate(images.decoded(listener.announce)):
        array[position] = pixels
    return array


def image_folder(
    path: str,
    size: int | list[int] = 32,
    channels: Literal[1, 3] = 3,
    test_share: float = 0.2,
) -> ImageFolder:
    """Images in a folder for each class; `size` is a side, or height and width.

    Raises UsageError for a size that no image has.
    """
    sides = tuple(size) if isinstance(size, list) else (size, size)
    if len(sides) != 2 or any(not 1 <= side <= 1024 for side in sides):
        raise UsageError(f"size must be a side or [height, width] from 1 to 1024, got {size}")
    return ImageFolder(path, sides, channels, test_share)


def _class_names(folder: Path) -> list[str]:
    """The classes that a folder has; raises where an image has none, or a class none."""
    loose = _images(folder)
    if loose:
        raise ContentError(
            f"{loose[0]} belongs to no class: put it into a folder with the name of its class."
        )
    names = _subfolders(folder)
    empty = [name for name in names if not _images(folder / name)]
    if empty or not names:
        what = folder / empty[0] if empty else folder
        wanted = "no .png or .jpg file" if empty else "no folders, one for each class"
        raise ContentError(f"{what} holds {wanted}.")
    return names


def _labels(folder: Path, names: Sequence[str]) -> NDArray[np.int64]:
    """The number of the class of each image in the folders with these names, as far as there."""
    import numpy as np

    counts = [len(_images(folder / name)) if (folder / name).is_dir() else 0 for name in names]
    return np.repeat(np.arange(len(names)), counts)


def _subfolders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))


def _images(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        names = sorted(e.name for e in entries if e.is_file() and not e.name.startswith("."))
    return [folder / name for name in names if name.lower().endswith(SUFFIXES)]
