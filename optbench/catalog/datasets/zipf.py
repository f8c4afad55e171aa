"""Bags of words as sparse as language: few words are in most documents, most in hardly any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.generated import Generated, check_sizes, check_whole

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

MEANINGS, TRAIN, TEST = range(3)  # streams


@dataclass(frozen=True)
class ZipfWords(Generated):
    """Documents of `length` words, the r-th most frequent with a probability like 1/r (Zipf 1949).

    Inputs `[words]` are 1 where a word occurs, else 0. Each word speaks for each class with a
    weight drawn once from a normal distribution; the class of a document is the one with the
    largest sum of weights over the words in it, so a linear model can learn it, and rare words
    count as much as frequent ones.
    """

    NAME: ClassVar[str] = "zipf-words"

    train_size: int
    test_size: int
    words: int
    length: int
    classes: int
    data_seed: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.words,)

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        weights = self.random(MEANINGS).standard_normal((self.words, self.classes))
        train = self._draw(TRAIN, self.train_size, weights)
        return train, self._draw(TEST, self.test_size, weights)

    def _draw(self, stream: int, n: int, weights: NDArray[np.float64]) -> Examples:
        import numpy as np

        frequencies = 1 / np.arange(1, self.words + 1)
        chosen = self.random(stream).choice(
            self.words, (n, self.length), p=frequencies / frequencies.sum()
        )
        inputs = np.zeros((n, self.words), np.float32)
        np.put_along_axis(inputs, chosen, 1, axis=1)
        return Examples(inputs, (inputs @ weights).argmax(axis=1))


def zipf_words(
    train: int = 4000,
    test: int = 1000,
    words: int = 2000,
    length: int = 40,
    classes: int = 2,
    data_seed: int = 0,
) -> ZipfWords:
    """Bags of words; raises UsageError for values that make no data."""
    check_whole("words", 2, words)
    check_whole("length", 1, length)
    check_whole("classes", 2, classes)
    check_sizes(train, test, words, data_seed)
    return ZipfWords(train, test, words, length, classes, data_seed)
