"""Every run with what became of it, as the page's last table."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from optbench.report.runs import runs_table
from optbench.report.table import Column, Table, cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.store.stored_run import StoredRun

_REASON, _DIRECTORY = Column("reason", "reason"), Column("directory", "directory")


def status_table(runs: Sequence[StoredRun]) -> Table:
    """What `optbench runs list` tells, and why a run ended and where it is."""
    table = runs_table(runs)
    ended = any(run.result.reason for run in runs)  # otherwise than completed
    rows = tuple(
        (*row, *([cell(run.result.reason)] if ended else []), cell(str(run.path)))
        for row, run in zip(table.rows, runs, strict=True)
    )
    columns = (*table.columns, *([_REASON] if ended else []), _DIRECTORY)
    return replace(table, columns=columns, sections=(rows,))


def status_counts(runs: Sequence[StoredRun]) -> dict[str, int]:
    """Status → number of runs, the commonest first."""
    return dict(Counter(run.status for run in runs).most_common())
