"""Rows that stay in a file: memory-mapped, and read where they are used."""

from __future__ import annotations

import math
import mmap
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from optbench.catalog.datasets.finite import NOT_FINITE
from optbench.errors import StreamError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Version = tuple[int, int, int]  # bytes, modification time in ns, inode


@dataclass(frozen=True, eq=False)
class Mapped:
    """Rows `[n, *shape]` of an array in a file, as `dtype`: indexing selects, `np.asarray` reads.

    `array` is the map, `positions` are the rows of it that these are, in their order. Only the
    pages that hold what is read come into memory, where the system drops them again as it needs.
    """

    array: NDArray[Any]
    dtype: np.dtype[Any]
    path: str
    version: Version
    positions: range | NDArray[np.intp]

    @classmethod
    def of(cls, array: np.memmap[Any, Any], dtype: Any) -> Mapped:
        """All rows of a map, or of a view of one."""
        import numpy as np

        path = str(array.filename)
        everything = range(len(array))
        return cls(np.asarray(array), np.dtype(dtype), path, version_of(path), everything)

    def as_array(self) -> NDArray[Any]:
        """These rows in an array's place: they do all that `Examples` ask of one."""
        return cast("NDArray[Any]", self)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self.array.shape[1:])

    def __getitem__(self, chosen: slice | NDArray[np.intp]) -> Mapped:
        """Some of the rows, in the order of `chosen`; nothing is read."""
        if isinstance(chosen, slice):
            return replace(self, positions=self.positions[chosen])
        if isinstance(self.positions, range):
            return replace(self, positions=self.positions.start + chosen)
        return replace(self, positions=self.positions[chosen])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """The rows, read: an array of their own.

        Raises StreamError where the file is no longer what it was, or a number isn't finite.
        """
        import numpy as np

        self._check()  # what was cut off would end the process
        with np.errstate(over="ignore"):  # noticed below
            if isinstance(self.positions, range):
                rows = np.array(self.array[self.positions.start : self.positions.stop], self.dtype)
            else:
                rows = self.array.take(self.positions, axis=0).astype(self.dtype, copy=False)
        self._check()  # so what was read is what was there from the beginning
        if self.array.dtype.kind == "f" and not np.isfinite(rows).all():
            self._refuse(rows)
        return rows

    def _check(self) -> None:
        if version_of(self.path) != self.version:
            raise StreamError(
                f"{self.path} has changed since it began to be trained on.\n"
                "  Leave a data set as it is until its runs have ended; begin them again with "
                "what is there now."
            )

    def _refuse(self, rows: NDArray[Any]) -> None:
        import numpy as np

        finite = np.isfinite(rows).reshape(len(rows), -1).all(axis=1)
        first = self.positions[int(np.argmin(finite))]
        raise StreamError(
            f"{self.path} holds inputs that are {NOT_FINITE}: example {first:,}, counted from 0."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Where the rows are, rather than the rows: who gets them maps the file too."""
        whole: Any = self.array
        while not isinstance(whole.base, mmap.mmap):
            whole = whole.base
        within = self.array.ctypes.data - whole.ctypes.data
        place = self.array.dtype, whole.offset + within, self.array.shape
        return _remapped, (self.path, place, self.dtype, self.version, self.positions)


def is_map(value: object) -> TypeGuard[np.memmap[Any, Any]]:
    """Whether it is a memory-mapped array, or rows of one, whose file is known."""
    import numpy as np

    return isinstance(value, np.memmap) and bool(value.filename) and value.flags.c_contiguous


def mapped_bytes(rows: object) -> int:
    """What rows take in their file; 0 of those that are in memory."""
    return math.prod(rows.shape) * rows.array.itemsize if isinstance(rows, Mapped) else 0


def version_of(path: str) -> Version:
    """Tells one version of a file from the next; raises StreamError where it isn't there."""
    try:
        status = os.stat(path)  # noqa: PTH116  (a microsecond, each time that rows are read)
    except OSError as error:
        raise StreamError(f"{path} can't be read any more: {error.strerror}.") from error
    return status.st_size, status.st_mtime_ns, status.st_ino


def _remapped(
    path: str,
    place: tuple[np.dtype[Any], int, tuple[int, ...]],
    dtype: np.dtype[Any],
    version: Version,
    positions: range | NDArray[np.intp],
) -> Mapped:
    """The rows in another process, whose machine needs the file or a copy at the same path.

    Where it has none, or another, reading will tell: an error here would have nobody to take it.
    """
    import numpy as np

    stored, offset, shape = place
    array = np.empty((0, *shape[1:]), stored)
    with suppress(OSError, ValueError, StreamError):
        here = version_of(path)
        if here[:2] == version[:2]:  # a copy has another inode
            version = here
        array = np.asarray(np.memmap(path, stored, "r", offset, shape))
    return Mapped(array, dtype, path, version, positions)
