"""How far a run is at each of its rows: in epochs, steps, examples or seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.clock import clock
from optbench.errors import StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.analysis.target import Unit
    from optbench.store.stored_run import StoredRun

_COLUMNS = {"epochs": "epoch", "steps": "steps", "examples": "examples"}


def positions(run: StoredRun, unit: Unit) -> list[float]:
    """One for each row, of training alone; UsageError where nobody recorded the seconds."""
    if unit != "seconds":
        return [float(row[_COLUMNS[unit]] or 0) for row in run.rows]
    try:
        return run.train_seconds()
    except StoreError as error:
        raise UsageError(f"{error}; choose epochs or steps") from error


def check_clock(runs: Iterable[StoredRun], unit: Unit) -> None:
    """Refuse seconds of different machines, or of runs trained alone and stacked together."""
    if unit != "seconds":
        return
    if len({clock(run) for run in runs}) > 1:
        raise UsageError(
            "seconds can't be compared: the runs were trained on different machines or in cohorts "
            "of different sizes; choose epochs or steps"
        )
