"""The last states that finished runs have kept, for longer ones to go on from."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.errors import StoreError
from optbench.store.folders import is_folder
from optbench.store.result import read_result
from optbench.store.rundir import STATE
from optbench.store.scan import run_directories

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Kept:
    """A completed run's hash, its epochs and the file that has its last state."""

    run: str
    epochs: int
    path: Path


def kept_states(root: Path) -> Iterator[Kept]:
    """Those of a store; what is damaged or a stranger's is passed over.

    Raises StoreError where the store can't be listed.
    """
    for directory in run_directories(root) if is_folder(root) else ():
        path = directory / STATE
        if os.path.lexists(path):
            with suppress(StoreError):
                result = read_result(directory / "result.json")
                epochs = result.config["training"].get("epochs")
                if result.status == "completed" and isinstance(epochs, int):
                    yield Kept(result.run, epochs, path)
