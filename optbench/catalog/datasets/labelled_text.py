"""A file of labelled texts, as bags of words: which words are in a text says what it is."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.labelled import check_parts, parted
from optbench.catalog.datasets.own import Facts, OwnSource
from optbench.catalog.datasets.task import Task
from optbench.catalog.datasets.text import read_text
from optbench.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

PADDING, UNKNOWN, FIRST_WORD = range(3)  # word ids


@dataclass(frozen=True)
class LabelledText(OwnSource):
    """Lines of a label and a text, as word ids `[length]`; labels are classes by alphabet.

    A tab stands between the two, or in a .csv file a comma (a quoted text may have more of them);
    the first line is left out where it is a `header`. Words are runs of letters, digits and
    underscores in lower case. The training part's `words` most frequent ones, which occur there
    `min_count` times at least, have ids from 2 on; 1 is any other word, and 0 fills up a text with
    fewer than `length` words, of which longer ones keep the first.
    """

    length: int
    words: int
    min_count: int
    header: bool
    test_share: float

    def read(self) -> tuple[Examples, Examples]:
        import numpy as np

        labels, texts = zip(*self._lines(), strict=True)
        names, classes = np.unique(labels, return_inverse=True)
        if len(names) < 2:
            label = str(names[0])
            raise ContentError(
                f"{self.path} has a single label, {label!r}; at least two are needed."
            )
        texts_of_words = [words_of(text)[: self.length] for text in texts]
        positions = parted(classes.astype(np.int64), self.test_share, self.path)
        ids = self._vocabulary([texts_of_words[i] for i in positions[0]])
        examples = Examples(self._ids(texts_of_words, ids), classes.astype(np.int64))
        train, test = map(examples.at, positions)
        check_parts(train, test, self.path)
        return train, test

    def facts(self, train: Examples, test: Examples) -> Facts:
        known = Facts.of(train, test).task
        vocabulary = max(FIRST_WORD, 1 + int(train.inputs.max()))
        task = Task(known.input_shape, known.classes, vocabulary=vocabulary)
        return Facts(task, len(train), len(test))

    def files(self) -> list[Path]:
        return [Path(self.path)]

    def _lines(self) -> Iterator[tuple[str, str]]:
        """Labels and texts; raises ContentError for a line that isn't one of each."""
        text = read_text(Path(self.path))
        by_commas = self.path.endswith(".csv")
        rows = _commas(self.path, text) if by_commas else _tabs(text)
        found = 0
        for line, row in list(rows)[self.header :]:
            if len(row) != 2 or not row[0].strip():
                raise ContentError(
                    f"{self.path}:{line}: must hold a label and a text, with a "
                    f"{'comma' if by_commas else 'tab'} between them."
                )
            found += 1
            yield row[0].strip(), row[1]
        if not found:
            raise ContentError(f"{self.path} holds no labelled text.")

    def _vocabulary(self, texts: Sequence[Sequence[str]]) -> Mapping[str, int]:
        """The ids of known words, the most frequent first and equals by alphabet."""
        counts = Counter(word for text in texts for word in text)
        frequent = [word for word, count in counts.items() if count >= self.min_count]
        frequent.sort(key=lambda word: (-counts[word], word))
        return {word: i for i, word in enumerate(frequent[: self.words], start=FIRST_WORD)}

    def _ids(self, texts: Sequence[Sequence[str]], ids: Mapping[str, int]) -> NDArray[np.int64]:
        import numpy as np

        found = np.full((len(texts), self.length), PADDING, np.int64)
        for row, text in zip(found, texts, strict=True):
            row[: len(text)] = [ids.get(word, UNKNOWN) for word in text]
        return found


def labelled_text(
    path: str,
    length: int = 64,
    words: int = 10_000,
    min_count: int = 2,
    header: bool = False,
    test_share: float = 0.2,
) -> LabelledText:
    """A file of labelled texts, as bags of words."""
    return LabelledText(path, length, words, min_count, header, test_share)


def words_of(text: str) -> list[str]:
    """Runs of letters, digits and underscores, in lower case."""
    return re.findall(r"\w+", text.lower())


def _tabs(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and fields; only the first tab parts a line, and empty lines say nothing."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r").split("\t", maxsplit=1)


def _commas(path: str, text: str) -> Iterator[tuple[int, list[str]]]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        yield from ((rows.line_num, row) for row in rows if row)
    except csv.Error as error:
        raise ContentError(f"{path}:{rows.line_num}: can't be read as .csv: {error}.") from error
