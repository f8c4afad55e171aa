"""MNIST and its like, from torchvision's files in the data directory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.downloaded import Downloaded
from optbench.catalog.datasets.idx import IdxFile
from optbench.catalog.datasets.remote import Remote, torchvision_remote
from optbench.catalog.datasets.source import PlainSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STAND_IN = {"name": "mnist-5k"}


@dataclass(frozen=True)
class IdxSource(PlainSource):
    """Images and labels in four idx files, in the folder that torchvision keeps them in."""

    name: str
    folder: str  # below the data directory
    train_images: IdxFile
    train_labels: IdxFile
    test_images: IdxFile
    test_labels: IdxFile
    remote: Callable[[], Remote]
    classes: int = 10

    @property
    def files(self) -> tuple[IdxFile, ...]:
        return (self.train_images, self.train_labels, self.test_images, self.test_labels)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (1, *self.train_images.shape[1:])

    @property
    def train_size(self) -> int:
        return self.train_images.shape[0]

    @property
    def test_size(self) -> int:
        return self.test_images.shape[0]

    def content_hash(self) -> str:
        """What `sha256sum *-ubyte | sha256sum` prints in the folder of the raw files."""
        files = sorted(self.files, key=lambda file: file.name)
        listing = "".join(f"{file.sha256}  {file.name}\n" for file in files)
        return hashlib.sha256(listing.encode()).hexdigest()

    def missing(self, data_dir: Path) -> tuple[Path, ...]:
        return self._downloaded.missing(data_dir)

    def fetch(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        self._downloaded.fetch(data_dir, announce)

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:
        return (
            self._examples(data_dir, self.train_images, self.train_labels),
            self._examples(data_dir, self.test_images, self.test_labels),
        )

    @property
    def _downloaded(self) -> Downloaded:
        return Downloaded(self.name, self.folder, self.files, self.remote, STAND_IN)

    def _examples(self, data_dir: Path, images: IdxFile, labels: IdxFile) -> Examples:
        inputs, targets = (f.read(self._downloaded.find(data_dir, f)) for f in (images, labels))
        return Examples(inputs[:, None], targets.astype("int64"))


MNIST = IdxSource(
    name="mnist",
    folder="MNIST/raw",
    train_images=IdxFile(
        "train-images-idx3-ubyte",
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    train_labels=IdxFile(
        "train-labels-idx1-ubyte",
        (60_000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    test_images=IdxFile(
        "t10k-images-idx3-ubyte",
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    test_labels=IdxFile(
        "t10k-labels-idx1-ubyte",
        (10_000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    remote=partial(torchvision_remote, "MNIST"),
)

FASHION_MNIST = IdxSource(
    name="fashion-mnist",
    folder="FashionMNIST/raw",
    train_images=IdxFile(
        "train-images-idx3-ubyte",
        (60_000, 28, 28),
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    ),
    train_labels=IdxFile(
        "train-labels-idx1-ubyte",
        (60_000,),
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
    test_images=IdxFile(
        "t10k-images-idx3-ubyte",
        (10_000, 28, 28),
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    ),
    test_labels=IdxFile(
        "t10k-labels-idx1-ubyte",
        (10_000,),
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    remote=partial(torchvision_remote, "FashionMNIST"),
)

# Digests of the compressed files, https://github.com/ankane/torchvision-ruby; their MD5 are in
# torchvision.
KMNIST = IdxSource(
    name="kmnist",
    folder="KMNIST/raw",
    train_images=IdxFile(
        "train-images-idx3-ubyte.gz",
        (60_000, 28, 28),
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
    ),
    train_labels=IdxFile(
        "train-labels-idx1-ubyte.gz",
        (60_000,),
        "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
    ),
    test_images=IdxFile(
        "t10k-images-idx3-ubyte.gz",
        (10_000, 28, 28),
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
    ),
    test_labels=IdxFile(
        "t10k-labels-idx1-ubyte.gz",
        (10_000,),
        "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    ),
    remote=partial(torchvision_remote, "KMNIST"),
)
