"""Street View House Numbers (Netzer et al. 2011), from torchvision's files: cropped digits."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.downloaded import REMEDY, Downloaded, WholeFile, generated_like
from optbench.catalog.datasets.remote import Remote
from optbench.catalog.datasets.source import PlainSource
from optbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIRROR = "http://ufldl.stanford.edu/housenumbers/"


@dataclass(frozen=True)
class SvhnSource(PlainSource):
    """Two MATLAB files with images `X` `[32, 32, 3, n]` and labels `y`, where 10 means zero."""

    train: WholeFile
    test: WholeFile
    mirrors: tuple[str, ...] = (MIRROR,)
    train_size: int = 73_257
    test_size: int = 26_032
    input_shape: tuple[int, ...] = (3, 32, 32)
    classes: int = 10

    def content_hash(self) -> str:
        """SHA-256 of what `md5sum` prints of the files."""
        listing = "".join(f"{file.md5}  {file.name}\n" for file in (self.train, self.test))
        return hashlib.sha256(listing.encode()).hexdigest()

    @property
    def stand_in(self) -> dict[str, object]:
        return generated_like(self.input_shape, self.classes)

    def missing(self, data_dir: Path) -> tuple[Path, ...]:
        return self._downloaded.missing(data_dir)

    def fetch(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        self._downloaded.fetch(data_dir, announce)

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:
        return self._read(data_dir, self.train), self._read(data_dir, self.test)

    @property
    def _downloaded(self) -> Downloaded:
        remote = Remote(self.mirrors, {file.name: file.md5 for file in (self.train, self.test)})
        return Downloaded("svhn", ".", (self.train, self.test), lambda: remote, self.stand_in)

    def _read(self, data_dir: Path, file: WholeFile) -> Examples:
        import numpy as np
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError

        path = self._downloaded.find(data_dir, file)
        file.check(path)
        try:
            arrays = loadmat(path, variable_names=("X", "y"))
            images = arrays["X"].transpose(3, 2, 0, 1).astype(np.uint8, order="C", casting="safe")
            targets = arrays["y"].ravel() % 10
        except (MatReadError, ValueError, TypeError, KeyError, OSError, zlib.error) as error:
            raise DataError(f"{path} is no file of SVHN: {error}.\n  {REMEDY}") from error
        return Examples(images, targets.astype(np.int64))


SVHN = SvhnSource(
    train=WholeFile("train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373"),
    test=WholeFile("test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3"),
)
