"""A folder of .npy files, which may be larger than memory: what .npz holds, each array a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.datasets.finite import FiniteRows
from optbench.catalog.datasets.labelled import ONE_PART, TWO_PARTS, from_arrays
from optbench.catalog.datasets.npy_file import layout, open_npy
from optbench.catalog.datasets.own import OwnSource
from optbench.errors import ContentError

if TYPE_CHECKING:
    from optbench.catalog.datasets.data import Examples
    from optbench.catalog.datasets.digests import Look


@dataclass(frozen=True)
class NpyFolder(OwnSource):
    """Arrays in files `x_train.npy`, `y_train.npy`, `x_test.npy`, `y_test.npy`, or `x`, `y`.

    Inputs are memory-mapped and never read as a whole, targets are kept in memory.
    """

    test_share: float
    targets: str | None

    def read(self) -> tuple[Examples, Examples]:
        if not Path(self.path).is_dir():
            raise ContentError(f"{self.path} is no folder of .npy files.")
        arrays = {file.stem: open_npy(file) for file in self.files()}
        return from_arrays(arrays, self.test_share, self.path, self.targets)

    def look_at(self, path: Path) -> Look | None:
        """Inputs, which are never in memory together, and targets must be finite numbers."""
        start, shape, dtype = layout(path)
        return FiniteRows(path, start, shape, dtype).look if dtype.kind == "f" else None

    def files(self) -> list[Path]:
        """Those with a name that says what is in them; others may lie beside them."""
        folder = Path(self.path)
        found = {name: folder / f"{name}.npy" for name in (*TWO_PARTS, *ONE_PART)}
        there = {name for name, path in found.items() if path.exists()}
        names = TWO_PARTS if there & {*TWO_PARTS} else ONE_PART
        return [found[name] for name in names if name in there]
