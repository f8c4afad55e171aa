"""The array in a .npy file, mapped: nothing in it is executed, and little believed."""

from __future__ import annotations

import math
import warnings
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

from optbench.errors import ContentError, DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

# What numpy raises for headers that are none, which it parses as Python's tokens and literals.
_UNREADABLE = (
    EOFError, ValueError, TypeError, LookupError, SyntaxError, TokenError, MemoryError,
    RecursionError, OverflowError,
)  # fmt: skip
MOST_DIMENSIONS = 32  # numpy 1 has no more


def open_npy(path: Path) -> np.memmap[Any, Any]:
    """The array of a .npy file, memory-mapped: its header alone is read. Raises as `layout`."""
    import numpy as np

    start, shape, dtype = layout(path)
    return np.memmap(path, dtype, "r", start, shape)


def layout(path: Path) -> tuple[int, tuple[int, ...], np.dtype[Any]]:
    """Where the array begins in a .npy file, its shape and type.

    Raises ContentError for what isn't one, is cut short, or has its rows all over the file, and
    DataError where it can't be read.
    """
    try:
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that Python 2 has written it
            shape, by_columns, dtype = _header(stream)
            _check_shape(shape)
            start = stream.tell()
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}.") from error
    except _UNREADABLE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ContentError(f"{path} can't be read as .npy: {reason}.") from error
    if dtype.hasobject:
        raise ContentError(
            f"{path} holds Python objects, which only running code of theirs could read; save "
            "numbers, all rows of one shape."
        )
    if by_columns and sum(side > 1 for side in shape) > 1:
        raise ContentError(
            f"{path} is in Fortran order, so that each example is all over the file; save "
            "numpy.ascontiguousarray of it."
        )
    if any(side < 1 for side in shape):
        raise ContentError(f"{path} is empty: it holds an array {list(shape)}.")
    needed = start + math.prod(shape) * dtype.itemsize
    if size < needed:
        raise ContentError(
            f"{path} is cut short: an array {list(shape)} of {dtype} takes {needed:,} bytes, the "
            f"file has {size:,}."
        )
    return start, shape, dtype


def _check_shape(shape: tuple[int, ...]) -> None:
    """ValueError for what numpy takes for a shape in a header and then makes no array of."""
    if len(shape) > MOST_DIMENSIONS:
        raise ValueError(f"it has {len(shape)} dimensions")
    if any(isinstance(side, bool) for side in shape):
        raise ValueError(f"a side of its shape {shape} is no integer")


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
