"""Tensors from a file: .npz, .pt or .csv, or a folder of .npy. Nothing in it is ever executed."""

from __future__ import annotations

import errno
import pickle
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from optbench.catalog.datasets.labelled import from_arrays
from optbench.catalog.datasets.npy_folder import NpyFolder
from optbench.catalog.datasets.own import OwnSource
from optbench.errors import ContentError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import ArrayLike

    from optbench.catalog.datasets.data import Examples


# What numpy, zipfile and torch raise for files that are something else.
_UNREADABLE = (
    OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, pickle.UnpicklingError,
    RuntimeError, NotImplementedError, TypeError, LookupError, struct.error, MemoryError,
)  # fmt: skip


FLOAT32_MAX = 2.0**128 - 2.0**104
MOSTLY = 0.5  # of the cells of a column


@dataclass(frozen=True)
class FileSource(OwnSource):
    """Arrays `x_train`, `y_train`, `x_test`, `y_test` (or `x` and `y`) by name, or a table.

    Of a .csv file, with a header, the column `target` (by default the last) is the class, in
    numbers or in words, or the number to predict, and the others are the features. `targets` says
    which; where it is None, fractions and floats `[n, k]` are numbers to predict.
    """

    target: str | None
    test_share: float
    targets: str | None

    def read(self) -> tuple[Examples, Examples]:
        path = Path(self.path)
        if not path.is_file():
            raise ContentError(f"{path} is no file.")
        try:
            arrays = self._arrays(path)
        except _UNREADABLE as error:
            if isinstance(error, OSError) and error.errno:
                raise  # the system's word, about the disk
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise ContentError(f"{path} can't be read as {path.suffix}: {reason}.") from error
        return from_arrays(arrays, self.test_share, str(path), self.targets)

    def files(self) -> list[Path]:
        return [Path(self.path)]

    def _arrays(self, path: Path) -> Mapping[str, ArrayLike]:
        match path.suffix:
            case ".npz":
                return _from_npz(path)
            case ".pt":
                return _from_pt(path)
        return _from_csv(path, self.target, self.targets)


def file(
    path: str,
    target: str | None = None,
    test_share: float = 0.2,
    targets: Literal["classes", "numbers"] | None = None,
) -> FileSource | NpyFolder:
    """Tensors from a file or a folder; raises UsageError for one of another kind."""
    suffix = Path(path).suffix
    is_folder = not suffix or Path(path).is_dir()
    if not is_folder and suffix not in (".npz", ".pt", ".csv"):
        wanted = "a .npz, .pt or .csv file, or a folder of .npy files"
        raise UsageError(f"path must name {wanted}, got {path}")
    if target is not None and suffix != ".csv":
        raise UsageError("target names the column of the targets in a .csv file; leave it out")
    if is_folder:
        return NpyFolder(path, test_share, targets)
    return FileSource(path, target, test_share, targets)


def _from_npz(path: Path) -> Mapping[str, ArrayLike]:
    import numpy as np

    # Opened here, as numpy leaves a damaged file open.
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ValueError("it is a single array without a name")
        try:
            return {name: archive[name] for name in archive.files}
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            # zipfile goes wherever a directory says that an array begins.
            raise ValueError("an array of it begins outside of the file") from error


def _from_pt(path: Path) -> Mapping[str, ArrayLike]:
    import torch

    from optbench.catalog.torch_file import load_plain

    content = load_plain(path.read_bytes())
    if not isinstance(content, dict):
        raise ValueError(f"it holds a {type(content).__name__}, not tensors by name")
    tensors = {k: v for k, v in content.items() if isinstance(v, torch.Tensor)}
    return {str(name): tensor.detach().numpy() for name, tensor in tensors.items()}


def _from_csv(path: Path, target: str | None, targets: str | None) -> Mapping[str, ArrayLike]:
    import polars as pl

    try:
        content = path.read_bytes()
        content.decode()  # polars takes any bytes; a ValueError says which aren't UTF-8
        table = pl.read_csv(content, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise ValueError(str(error)) from error
    column = target or table.columns[-1]
    if column not in table.columns:
        raise ContentError(f"{path} has no column {column!r} among {', '.join(table.columns)}.")
    features = table.drop(column)
    if not features.width:
        raise ContentError(f"{path} has no column but {column!r}: there are no features.")
    classes = table[column]
    for name in table.columns:
        numeric = targets == "numbers" or _mostly_numbers(classes)
        _check_column(path, table[name], numeric=name != column or numeric)
    if classes.dtype == pl.String and targets != "numbers":  # numbered in alphabetical order
        classes = classes.rank("dense") - 1
    return {"x": features.to_numpy(), "y": classes.to_numpy()}


def _check_column(path: Path, cells: pl.Series, *, numeric: bool) -> None:
    """Raise ContentError, with the line, for a gap or, where numbers have to be, anything else.

    Integers beyond 64 bits, which numpy has no type for, are no numbers either.
    """
    import polars as pl

    if cells.dtype == pl.Int128:
        line = (~cells.is_between(-(2**63), 2**63 - 1)).arg_true()[0] + 2
        told = f"{path}:{line}: column {cells.name!r} holds an integer beyond 64 bits"
        raise ContentError(f"{told}; write it with a decimal point.")
    numbers = cells.cast(pl.Float64, strict=False) if numeric else cells
    gaps = (numbers.is_null() | (numbers.is_nan() if numeric else False)).arg_true()
    if len(gaps):
        found = cells[gaps[0]]
        what = "nothing" if found is None else f"{found!r}, which is no number"
        line = gaps[0] + 2  # the header is the first
        raise ContentError(f"{path}:{line}: column {cells.name!r} holds {what}.")
    if numeric or cells.dtype.is_numeric():
        sizes = numbers.cast(pl.Float64).abs()
        lost = (sizes.is_not_nan() & (sizes > FLOAT32_MAX)).arg_true()
        if len(lost):
            told = f"{path}:{lost[0] + 2}: column {cells.name!r} holds {cells[lost[0]]!r}"
            raise ContentError(f"{told}, which is infinite or too large for float32.")


def _mostly_numbers(cells: pl.Series) -> bool:
    """Whether a column of text is one of numbers with a few gaps (`nan`, `NA`), not of words."""
    import polars as pl

    if cells.dtype != pl.String:
        return False
    numbers = cells.cast(pl.Float64, strict=False)
    return int((numbers.is_not_null() & numbers.is_not_nan()).sum()) > MOSTLY * len(cells)
