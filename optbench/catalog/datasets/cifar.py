"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009), from torchvision's files in the data directory."""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.catalog.datasets.cifar_batch import read_batch
from optbench.catalog.datasets.content import check_file, first_file
from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.downloaded import REMEDY, Downloaded, generated_like
from optbench.catalog.datasets.remote import Remote
from optbench.catalog.datasets.source import PlainSource
from optbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

MIRROR = "https://www.cs.toronto.edu/~kriz/"


@dataclass(frozen=True)
class Archive:
    """The archive with all batches, or the folder that torchvision unpacks it to."""

    name: str
    md5: str
    folder: str
    batches: Mapping[str, str]  # names to MD5

    @property
    def archive(self) -> str:
        return self.name

    def locate(self, folder: Path) -> Path | None:
        unpacked = folder / self.folder
        if all(first_file(unpacked, (name,)) for name in self.batches):
            return unpacked
        return first_file(folder, (self.name,))

    def check(self, path: Path) -> None:
        check_file(path, "md5", self.md5, remedy=REMEDY)

    def read(self, path: Path) -> dict[str, bytes]:
        """Every batch at `path`, which `locate` found; raises DataError for any other content."""
        if path.is_dir():
            for name, md5 in self.batches.items():
                check_file(path / name, "md5", md5, remedy=REMEDY)
            return {name: (path / name).read_bytes() for name in self.batches}
        self.check(path)  # before it is unpacked: a forged one may expand without end
        return self._unpack(path)

    def _unpack(self, path: Path) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        with tarfile.open(path) as archive:
            for member in archive:
                folder, _, name = member.name.rpartition("/")
                content = archive.extractfile(member) if member.isfile() else None
                if folder == self.folder and name in self.batches and content:
                    found[name] = content.read()
        if absent := self.batches.keys() - found.keys():
            raise DataError(f"{path} lacks {', '.join(sorted(absent))}.\n  {REMEDY}")
        return {name: found[name] for name in self.batches}


@dataclass(frozen=True)
class CifarSource(PlainSource):
    """Colour images in pickled batches; the last batch is the test set."""

    name: str
    archive: Archive
    labels: bytes  # the key of the classes in a batch
    classes: int
    mirrors: tuple[str, ...] = (MIRROR,)
    train_size: int = 50_000
    test_size: int = 10_000
    input_shape: tuple[int, ...] = (3, 32, 32)

    def content_hash(self) -> str:
        """SHA-256 of what `md5sum` prints of the batches, and of which labels are taken."""
        listing = "".join(f"{md5}  {name}\n" for name, md5 in self.archive.batches.items())
        return hashlib.sha256(listing.encode() + self.labels).hexdigest()

    @property
    def stand_in(self) -> dict[str, object]:
        return generated_like(self.input_shape, self.classes)

    def missing(self, data_dir: Path) -> tuple[Path, ...]:
        return self._downloaded.missing(data_dir)

    def fetch(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        self._downloaded.fetch(data_dir, announce)

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:
        import numpy as np

        path = self._downloaded.find(data_dir, self.archive)
        *train, test = (
            read_batch(content, self.labels, self.classes, f"{name} in {path}")
            for name, content in self.archive.read(path).items()
        )
        inputs = np.concatenate([batch.inputs for batch in train])
        return Examples(inputs, np.concatenate([batch.targets for batch in train])), test

    @property
    def _downloaded(self) -> Downloaded:
        remote = Remote(self.mirrors, {self.archive.name: self.archive.md5})
        return Downloaded(self.name, ".", (self.archive,), lambda: remote, self.stand_in)


CIFAR10 = CifarSource(
    name="cifar10",
    archive=Archive(
        "cifar-10-python.tar.gz",
        "c58f30108f718f92721af3b95e74349a",
        "cifar-10-batches-py",
        {
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
            "test_batch": "40351d587109b95175f43aff81a1287e",
        },
    ),
    labels=b"labels",
    classes=10,
)

CIFAR100 = CifarSource(
    name="cifar100",
    archive=Archive(
        "cifar-100-python.tar.gz",
        "eb9058c3a382ffc7106e4002c42a8d85",
        "cifar-100-python",
        {
            "train": "16019d7e3df5f24257cddd939b257f8d",
            "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
        },
    ),
    labels=b"fine_labels",
    classes=100,
)
