"""Character language modelling on any text file in UTF-8."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.own import Facts, OwnSource
from optbench.catalog.datasets.windows import next_character, windows
from optbench.errors import DataError

if TYPE_CHECKING:
    from optbench.catalog.datasets.data import Examples


@dataclass(frozen=True)
class Text(OwnSource):
    """Windows of `length` characters; the end of the text, `test_share` of it, is the test set.

    Characters are numbered from 0 in the order of their code points, as far as the text has them;
    line breaks and spaces count like any other.
    """

    length: int
    test_share: float

    contiguous: ClassVar[bool] = True

    def read(self) -> tuple[Examples, Examples]:
        import numpy as np

        text = read_text(Path(self.path))
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        characters, ids = np.unique(codes, return_inverse=True)
        cut = len(ids) - round(self.test_share * len(ids))
        shortest = min(cut, len(ids) - cut)
        if shortest <= self.length:
            raise DataError(
                f"{self.path} is too short: to train on {cut:,} of its {len(ids):,} characters and "
                f"test on the others, both have to be more than the length {self.length:,}."
            )
        if len(characters) < 2:
            raise DataError(f"{self.path} has nothing to predict: all its characters are the same.")
        ids = ids.astype(np.int64)
        return windows(ids[:cut], self.length), windows(ids[cut:], self.length)

    def facts(self, train: Examples, test: Examples) -> Facts:
        parts = (train.inputs, train.targets, test.inputs, test.targets)
        vocabulary = 1 + max(int(part.max()) for part in parts)
        return Facts(next_character(self.length, vocabulary), len(train), len(test))

    def files(self) -> list[Path]:
        return [Path(self.path)]


def text(path: str, length: int = 64, test_share: float = 0.1) -> Text:
    """Any text file, as a character language model reads it."""
    return Text(path, length, test_share)


def read_text(path: Path) -> str:
    """A file's text, without a byte order mark; raises DataError, with the line, unless UTF-8."""
    content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x} at offset {error.start:,}"
        raise DataError(
            f"{path}:{line}: is not text in UTF-8: {found}.\n"
            "  Convert it, as by: iconv -f latin1 -t utf-8"
        ) from error
