"""Bags of words as sparse as language: few words are in most documents, most in hardly any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.generated import Generated, check_sizes, check_whole
from optbench.catalog.datasets.task import Task

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

        inputs = np.zeros((n, self.words), np.float32)
        np.put_along_axis(inputs, self._words(stream, n), 1, axis=1)
        return Examples(inputs, (inputs @ weights).argmax(axis=1))

    def _words(self, stream: int, n: int) -> NDArray[np.int64]:
        """Of each document, from 0 for the most frequent: `[n, length]`."""
        size = n, self.length
        return self.random(stream).choice(self.words, size, p=frequencies(self.words))


@dataclass(frozen=True)
class ZipfWordIds(ZipfWords):
    """The same documents and classes, as the ids of the words in each: `[length]`, int64.

    The r-th most frequent word has the id r and stands there once; 0 fills up the end.
    """

    NAME: ClassVar[str] = "zipf-word-ids"

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.length,)

    @property
    def task(self) -> Task:
        return Task(self.input_shape, self.classes, vocabulary=self.words + 1)

    def _draw(self, stream: int, n: int, weights: NDArray[np.float64]) -> Examples:
        import numpy as np

        ids = np.sort(self._words(stream, n) + 1, axis=1)
        ids[:, 1:][ids[:, 1:] == ids[:, :-1]] = 0  # said before
        ids = np.sort(ids, axis=1)[:, ::-1].copy()
        of_padding = np.zeros((1, self.classes))
        meanings = np.concatenate([of_padding, weights])[ids]
        return Examples(ids, meanings.sum(axis=1).argmax(axis=1))


def frequencies(n: int) -> NDArray[np.float64]:
    """Zipf's: like 1/r, from the first to the n-th."""
    import numpy as np

    weights = 1 / np.arange(1, n + 1)
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


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


def zipf_word_ids(
    train: int = 4000,
    test: int = 1000,
    words: int = 2000,
    length: int = 40,
    classes: int = 2,
    data_seed: int = 0,
) -> ZipfWordIds:
    """Ids of words; raises UsageError for values that make no data."""
    check_whole("words", 2, words)
    check_whole("length", 1, length)
    check_whole("classes", 2, classes)
    check_sizes(train, test, length * classes, data_seed)
    check_sizes(words, 1, classes, data_seed)
    return ZipfWordIds(train, test, words, length, classes, data_seed)
