"""Time to target: the first evaluation at which a run was good enough."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.analysis.metric import Metric
    from optbench.store.scan import StoredRun


@dataclass(frozen=True)
class SeedTime:
    """When one run first reached the target; infinity if never."""

    seed: int
    epoch: float
    steps: float


@dataclass(frozen=True)
class TimeToTarget:
    """When the seeds of a setting first reached the target, and how long they were trained."""

    seeds: tuple[SeedTime, ...]
    horizon_epochs: float

    @property
    def n(self) -> int:
        return len(self.seeds)

    @property
    def reached(self) -> int:
        return sum(math.isfinite(time.steps) for time in self.seeds)

    @property
    def median_epoch(self) -> float:
        """Over all seeds, those that never got there included as infinity."""
        return statistics.median(time.epoch for time in self.seeds)

    @property
    def median_steps(self) -> float:
        return statistics.median(time.steps for time in self.seeds)


def final(run: StoredRun, column: str) -> float | None:
    """The value in a run's last row; None where it was not measured."""
    return run.rows[-1].get(column) if run.rows else None


def default_target(reference: Iterable[StoredRun], metric: Metric) -> float | None:
    """The worst final value of the reference's completed runs: what all of them reached."""
    values = [final(run, metric.name) for run in reference if run.status == "completed"]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if not finite:
        return None
    return min(finite) if metric.higher_is_better else max(finite)


def time_to_target(runs: Iterable[StoredRun], metric: Metric, target: float) -> TimeToTarget | None:
    """The times of the completed and diverged runs; None if no run counts.

    An interrupted or failed run is missing: nobody knows what it would have reached.
    """
    counted = [run for run in runs if run.finished and run.rows]
    if not any(row.get(metric.name) is not None for run in counted for row in run.rows):
        return None
    horizon = max(run.rows[-1]["epoch"] or 0 for run in counted)
    return TimeToTarget(tuple(_seed_time(run, metric, target) for run in counted), horizon)


def _seed_time(run: StoredRun, metric: Metric, target: float) -> SeedTime:
    for row in run.rows:
        value, epoch, steps = row.get(metric.name), row["epoch"], row["steps"]
        if value is None or epoch is None or steps is None:
            continue
        if metric.reaches(value, target):
            return SeedTime(run.result.seed, epoch, steps)
    return SeedTime(run.result.seed, math.inf, math.inf)
