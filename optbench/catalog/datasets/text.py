"""Language modelling on the characters of a text file, or on token ids in a .npy file."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.npy_file import open_npy
from optbench.catalog.datasets.own import Facts, OwnSource
from optbench.catalog.datasets.windows import next_character, windows
from optbench.errors import ContentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optbench.catalog.datasets.data import Examples

MOST_IDS = 2**31  # a number for each of them takes 8 GB


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
        parts = self._parted(ids.astype(np.int64), "characters")
        if len(characters) < 2:
            raise ContentError(
                f"{self.path} has nothing to predict: all its characters are the same."
            )
        return parts

    def facts(self, train: Examples, test: Examples) -> Facts:
        parts = (train.inputs, train.targets, test.inputs, test.targets)
        vocabulary = 1 + max(int(part.max()) for part in parts)
        return Facts(next_character(self.length, vocabulary), len(train), len(test))

    def files(self) -> list[Path]:
        return [Path(self.path)]

    def _parted(self, ids: NDArray[np.int64], what: str) -> tuple[Examples, Examples]:
        """Windows to train and to test; raises ContentError where there is none of either."""
        cut = len(ids) - round(self.test_share * len(ids))
        shortest = min(cut, len(ids) - cut)
        if shortest <= self.length:
            raise ContentError(
                f"{self.path} is too short: to train on {cut:,} of its {len(ids):,} {what} and "
                f"test on the others, both have to be more than the length {self.length:,}."
            )
        return windows(ids[:cut], self.length), windows(ids[cut:], self.length)


@dataclass(frozen=True)
class TokenFile(Text):
    """The same of token ids `[tokens]`, whole numbers from 0, which stay in their .npy file."""

    def read(self) -> tuple[Examples, Examples]:
        ids = open_npy(Path(self.path))
        if ids.ndim != 1 or ids.dtype.kind not in "ui":
            raise ContentError(
                f"{self.path} must hold token ids [n] in whole numbers; it holds {ids.dtype} "
                f"{list(ids.shape)}."
            )
        return self._parted(ids, "tokens")

    def facts(self, train: Examples, test: Examples) -> Facts:
        ids = open_npy(Path(self.path))
        least, most = int(ids.min()), int(ids.max())
        if least < 0 or not 0 < most < MOST_IDS:
            raise ContentError(
                f"{self.path} must hold token ids from 0 to at least 1, below {MOST_IDS:,}; they "
                f"are {least:,} to {most:,}."
            )
        task = next_character(self.length, 1 + most)
        return Facts(task, len(train), len(test), mapped_bytes=ids.nbytes)


def text(path: str, length: int = 64, test_share: float = 0.1) -> Text:
    """Any text file, as a character language model reads it; or a .npy file of token ids."""
    return (TokenFile if path.endswith(".npy") else Text)(path, length, test_share)


def read_text(path: Path) -> str:
    """A file's text, without a byte order mark; ContentError, with the line, unless UTF-8."""
    content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x} at offset {error.start:,}"
        raise ContentError(
            f"{path}:{line}: is not text in UTF-8: {found}.\n"
            "  Convert it, as by: iconv -f latin1 -t utf-8"
        ) from error
