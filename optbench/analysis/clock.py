"""Whose seconds may be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optbench.store.stored_run import StoredRun

_ENVIRONMENT = ("host", "processor", "device", "threads", "torch")


def clock(run: StoredRun) -> tuple[object, ...]:
    """The same for runs of one machine and one kind of cohort, whose seconds may be compared."""
    environment, cohort = run.result.environment, run.result.cohort
    return (*(environment.get(key) for key in _ENVIRONMENT), cohort.size, cohort.stacked)
