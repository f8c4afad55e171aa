"""Images in a folder for each class: `train/cat/1.png` and `test/cat/2.png`, or `cat/1.png`."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from optbench.catalog.datasets.labelled import from_arrays
from optbench.catalog.datasets.own import OwnSource
from optbench.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from optbench.catalog.datasets.data import Examples

SUFFIXES = {".png", ".jpg", ".jpeg"}
PARTS = ("train", "test")


# What Pillow's decoders raise for damaged files; Warning as its hint at bombs is made an error.
_UNREADABLE = (
    OSError, SyntaxError, ValueError, struct.error, zlib.error, Warning, EOFError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True)
class ImageFolder(OwnSource):
    """PNG and JPEG files, resized to `size` (height, width), as `[channels, height, width]`.

    Classes are numbered in the order of their names. Where there are no folders train and test,
    the share `test_share` of each class is the test set.
    """

    size: tuple[int, int]
    channels: int
    test_share: float

    def read(self) -> tuple[Examples, Examples]:
        root = Path(self.path)
        if not self._has_parts:
            names = _class_names(root)
            x, y = self._labelled(root, names)
            return from_arrays({"x": x, "y": y}, self.test_share, self.path)
        names = _class_names(root / "train")
        unknown = [name for name in _class_names(root / "test") if name not in names]
        if unknown:
            raise DataError(f"{root / 'test' / unknown[0]} is a class that {root / 'train'} lacks.")
        arrays: dict[str, NDArray[Any]] = {}
        for part in PARTS:
            arrays[f"x_{part}"], arrays[f"y_{part}"] = self._labelled(root / part, names)
        return from_arrays(arrays, self.test_share, self.path)

    def files(self) -> list[Path]:
        folders = [Path(self.path) / part for part in PARTS if self._has_parts]
        return [
            image
            for folder in folders or [Path(self.path)]
            for name in _subfolders(folder)
            for image in _images(folder / name)
        ]

    @property
    def _has_parts(self) -> bool:
        return all((Path(self.path) / part).is_dir() for part in PARTS)

    def _labelled(
        self, folder: Path, names: Sequence[str]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        import numpy as np

        found = [
            (image, label)
            for label, name in enumerate(names)
            for image in (_images(folder / name) if (folder / name).is_dir() else ())
        ]
        images = np.empty((len(found), self.channels, *self.size), np.uint8)
        for position, (image, _) in enumerate(found):
            images[position] = self._pixels(image)
        return images, np.array([label for _, label in found], np.int64)

    def _pixels(self, path: Path) -> NDArray[np.uint8]:
        """`[channels, height, width]`; raises DataError that names the file."""
        import numpy as np
        from PIL import Image

        height, width = self.size
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                with Image.open(path, formats=("PNG", "JPEG")) as image:
                    plain = image.convert("RGB" if self.channels == 3 else "L")
                resized = plain.resize((width, height), Image.Resampling.BILINEAR)
        except (*_UNREADABLE, Image.DecompressionBombError) as error:
            raise DataError(f"{path} can't be read as an image: {error}.") from error
        return np.asarray(resized).reshape(height, width, self.channels).transpose(2, 0, 1)


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
    """The classes that a folder has; raises DataError where an image has none, or a class none."""
    loose = _images(folder)
    if loose:
        raise DataError(
            f"{loose[0]} belongs to no class: put it into a folder with the name of its class."
        )
    names = _subfolders(folder)
    empty = [name for name in names if not _images(folder / name)]
    if empty or not names:
        what = folder / empty[0] if empty else folder
        wanted = "no .png or .jpg file" if empty else "no folders, one for each class"
        raise DataError(f"{what} holds {wanted}.")
    return names


def _subfolders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))


def _images(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        names = sorted(e.name for e in entries if e.is_file() and not e.name.startswith("."))
    return [folder / name for name in names if Path(name).suffix.lower() in SUFFIXES]
