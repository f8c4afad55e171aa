"""Finding a run by what determines it, wherever under a store it was made."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from optbench.errors import StoreError
from optbench.store.result import Result, read_result
from optbench.store.scan import StoredRun

if TYPE_CHECKING:
    from pathlib import Path

_DIRECTORY = re.compile(r".+-s\d+-([0-9a-f]{8})", re.ASCII)


class RunIndex:
    """The run directories of a store by the last eight digits of their names."""

    def __init__(self, root: Path) -> None:
        self._places: defaultdict[str, list[Path]] = defaultdict(list)
        for path in sorted(root.glob("*/*")) if root.is_dir() else ():
            if found := _DIRECTORY.fullmatch(path.name):
                self._places[found[1]].append(path)

    def finished(self, run_hash: str) -> StoredRun | None:
        """A finished run with this hash, or None."""
        for path in self._places.get(run_hash[:8], ()):
            try:
                stored = StoredRun(path, read_result(path / "result.json"))
            except StoreError:
                continue
            if is_finished(stored.result, run_hash):
                return stored
        return None


def is_finished(result: Result, run_hash: str) -> bool:
    """Whether a result is that of this run and final; diverging is a result too."""
    return result.run == run_hash and result.status in ("completed", "diverged")
