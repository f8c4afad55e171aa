"""A generated text, of which the best loss is known: a stand-in for a text file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.generated import Generated, check_sizes, check_whole
from optbench.catalog.datasets.windows import next_character, windows
from optbench.catalog.datasets.zipf import frequencies
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from optbench.catalog.datasets.data import Examples
    from optbench.catalog.datasets.task import Task

LEXICON, TRAIN, TEST = range(3)  # streams
SPACE, LETTERS = 0, 26  # characters: a space, and letters from 1 on
SHORTEST, LONGEST = 2, 9  # letters of a word
MOST_WORDS = 100_000


@dataclass(frozen=True)
class ZipfText(Generated):
    """Windows of a text of words drawn one by one, the r-th with a probability like 1/r.

    A word is 2 to 9 letters, the r-th of which is taken with a probability like 1/r too; a space
    follows each. In the long run no model has a smaller loss than the entropy of a word divided
    by the mean length of a word and its space.
    """

    NAME: ClassVar[str] = "zipf-text"

    train_size: int
    test_size: int
    length: int
    words: int
    data_seed: int

    classes: ClassVar[int] = 1 + LETTERS
    contiguous: ClassVar[bool] = True

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.length,)

    @property
    def task(self) -> Task:
        return next_character(self.length, self.classes)

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        lexicon = self.lexicon()
        train, test = (
            windows(self._text(lexicon, stream, n * self.length + 1), self.length)
            for stream, n in ((TRAIN, self.train_size), (TEST, self.test_size))
        )
        return train, test

    def lexicon(self) -> list[tuple[int, ...]]:
        """The words, each with its space, the most frequent first."""
        random, found = self.random(LEXICON), dict[tuple[int, ...], None]()
        while len(found) < self.words:
            letters = random.choice(
                LETTERS, random.randint(SHORTEST, LONGEST + 1), p=frequencies(LETTERS)
            )
            found[*(letters + 1).tolist(), SPACE] = None
        return list(found)

    def _text(self, lexicon: list[tuple[int, ...]], stream: int, n: int) -> NDArray[np.int64]:
        import numpy as np

        enough = n // (SHORTEST + 1) + 1
        drawn = self.random(stream).choice(self.words, enough, p=frequencies(self.words))
        return np.array([c for word in drawn.tolist() for c in lexicon[word]][:n], np.int64)


def zipf_text(
    train: int = 2000, test: int = 400, length: int = 64, words: int = 500, data_seed: int = 0
) -> ZipfText:
    """Generated text; raises UsageError for values that make no data."""
    check_whole("length", 1, length)
    check_whole("words", 2, words)
    check_sizes(train, test, length, data_seed)
    if words > MOST_WORDS:
        raise UsageError(f"words must be at most {MOST_WORDS:,}, got {words:,}")
    return ZipfText(train, test, length, words, data_seed)
