"""A folder of .npy files, which may be larger than memory: what .npz holds, each array a file."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

from optbench.catalog.datasets.labelled import ONE_PART, TWO_PARTS, from_arrays
from optbench.catalog.datasets.own import OwnSource
from optbench.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from optbench.catalog.datasets.data import Examples


# What numpy raises for headers that are none, which it parses as Python's tokens and literals.
_UNREADABLE = (
    OSError, EOFError, ValueError, TypeError, LookupError, SyntaxError, TokenError, MemoryError,
    RecursionError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True)
class NpyFolder(OwnSource):
    """Arrays in files `x_train.npy`, `y_train.npy`, `x_test.npy`, `y_test.npy`, or `x`, `y`.

    Inputs are memory-mapped and never read as a whole, targets are kept in memory.
    """

    test_share: float
    targets: str | None

    def read(self) -> tuple[Examples, Examples]:
        if not Path(self.path).is_dir():
            raise DataError(f"{self.path} is no folder of .npy files.")
        arrays = {file.stem: open_npy(file) for file in self.files()}
        return from_arrays(arrays, self.test_share, self.path, self.targets)

    def files(self) -> list[Path]:
        """Those with a name that says what is in them; others may lie beside them."""
        folder = Path(self.path)
        found = {name: folder / f"{name}.npy" for name in (*TWO_PARTS, *ONE_PART)}
        there = {name for name, path in found.items() if path.exists()}
        names = TWO_PARTS if there & {*TWO_PARTS} else ONE_PART
        return [found[name] for name in names if name in there]


def open_npy(path: Path) -> np.memmap[Any, Any]:
    """The array of a .npy file, memory-mapped; nothing but its header is read.

    Raises DataError for what isn't one, is cut short, or has its rows all over the file.
    """
    import numpy as np

    try:
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that Python 2 has written it
            shape, by_columns, dtype = _header(stream)
            start = stream.tell()
        size = path.stat().st_size
    except _UNREADABLE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{path} can't be read as .npy: {reason}.") from error
    if dtype.hasobject:
        raise DataError(
            f"{path} holds Python objects, which only running code of theirs could read; save "
            "numbers, all rows of one shape."
        )
    if by_columns and sum(side > 1 for side in shape) > 1:
        raise DataError(
            f"{path} is in Fortran order, so that each example is all over the file; save "
            "numpy.ascontiguousarray of it."
        )
    if any(side < 1 for side in shape):
        raise DataError(f"{path} is empty: it holds an array {list(shape)}.")
    needed = start + math.prod(shape) * dtype.itemsize
    if size < needed:
        raise DataError(
            f"{path} is cut short: an array {list(shape)} of {dtype} takes {needed:,} bytes, the "
            f"file has {size:,}."
        )
    return np.memmap(path, dtype, "r", start, shape)


def _header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether it is in Fortran order, and type; ValueError where there is no header."""
    from numpy.lib import format as npy

    match npy.read_magic(stream):
        case (1, 0):
            return npy.read_array_header_1_0(stream)
        case (2, 0):
            return npy.read_array_header_2_0(stream)
        case (major, minor):  # 3.0 is for fields with names beyond Latin-1
            raise ValueError(f"it has version {major}.{minor} of the format, not 1.0 or 2.0")
