"""Data sets small enough to come with optbench: one compressed file of unsigned bytes each.

A file holds all inputs, then all classes, a byte a value; the training examples come first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.content import check_sha256, read_content
from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.source import PlainSource
from optbench.config.canonical import digest
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "bundled"
REMEDY = "It is part of optbench: install optbench again."


@dataclass(frozen=True)
class BundledSource(PlainSource):
    """A data set in this package. `sha256` is that of the decompressed file.

    `white` is the byte value that stands for 1.0.
    """

    file: Path
    sha256: str
    train_size: int
    test_size: int
    input_shape: tuple[int, ...]
    classes: int = 10
    white: int = 255

    def content_hash(self) -> str:
        return self.sha256

    def missing(self, data_dir: Path) -> tuple[Path, ...]:  # noqa: ARG002
        return ()

    def fetch(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        """Nothing is ever missing."""

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        import numpy as np

        n = self.train_size + self.test_size
        pixels = math.prod(self.input_shape)
        content = read_content(self.file, n * (pixels + 1), remedy=REMEDY)
        check_sha256(self.file, content, self.sha256, remedy=REMEDY)
        values = np.frombuffer(content, np.uint8)
        inputs = self._scaled(values[: n * pixels].reshape(n, *self.input_shape))
        targets = values[n * pixels :].astype(np.int64)
        return (
            Examples(inputs[: self.train_size], targets[: self.train_size]),
            Examples(inputs[self.train_size :], targets[self.train_size :]),
        )

    def _scaled(self, inputs: NDArray[np.uint8]) -> NDArray[np.uint8] | NDArray[np.float32]:
        """uint8 means value/255 to those who use it, so another scale is applied here."""
        import numpy as np

        return inputs if self.white == 255 else inputs.astype(np.float32) / np.float32(self.white)


MNIST_5K = BundledSource(
    file=FOLDER / "mnist-5k.gz",
    sha256="cf799d721d503f6e5f007c9d554c66c123b7e210f084877de54ee9b96e03f950",
    train_size=4_000,
    test_size=1_000,
    input_shape=(1, 28, 28),
)

DIGITS = BundledSource(
    file=FOLDER / "digits.gz",
    sha256="cefb2dbc98331b681df10f697114785d54d0bedbf1e5d8566c62aca491dcadf2",
    train_size=1_437,
    test_size=360,
    input_shape=(1, 8, 8),
    white=16,  # each pixel counts the inked ones among 4×4 of the scan
)


@dataclass(frozen=True)
class SomeDigits(PlainSource):
    """The images of mnist-5k that show one of `digits`; a class is a digit's place among them."""

    digits: tuple[int, ...]
    input_shape: ClassVar[tuple[int, ...]] = MNIST_5K.input_shape

    @property
    def classes(self) -> int:
        return len(self.digits)

    @property
    def train_size(self) -> int:
        return MNIST_5K.train_size * len(self.digits) // MNIST_5K.classes  # as many of each digit

    @property
    def test_size(self) -> int:
        return MNIST_5K.test_size * len(self.digits) // MNIST_5K.classes

    def content_hash(self) -> str:
        return digest([MNIST_5K.content_hash(), self.digits])

    def missing(self, data_dir: Path) -> tuple[Path, ...]:
        return MNIST_5K.missing(data_dir)

    def fetch(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        """Nothing is ever missing."""

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:
        train, test = MNIST_5K.load(data_dir)
        return self._chosen(train), self._chosen(test)

    def _chosen(self, examples: Examples) -> Examples:
        import numpy as np

        found = examples.at(np.flatnonzero(np.isin(examples.targets, self.digits)))
        places = np.argsort(self.digits)
        at = np.searchsorted(np.sort(self.digits), found.targets)
        return Examples(found.inputs, places[at].astype(np.int64))


def mnist_5k(digits: Sequence[int] | None = None) -> BundledSource | SomeDigits:
    """mnist-5k, or the part of it that shows some digits; raises UsageError for others."""
    if digits is None:
        return MNIST_5K
    if len(digits) < 2 or len({*digits}) < len(digits) or not {*digits} <= {*range(10)}:
        raise UsageError(f"digits must be two or more different ones from 0 to 9, got {digits}")
    return SomeDigits(tuple(digits))
