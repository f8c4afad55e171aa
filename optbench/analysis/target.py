"""Time to target: the first evaluation at which a run was good enough."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from optbench.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.analysis.metric import Metric
    from optbench.store.stored_run import StoredRun

Unit = Literal["steps", "epochs", "examples", "seconds"]
UNITS: tuple[Unit, ...] = get_args(Unit)

_COLUMNS = {"steps": "steps", "epochs": "epoch", "examples": "examples"}


@dataclass(frozen=True)
class SeedTime:
    """When one run first reached the target; infinity if never.

    `seconds` are of training alone; None where nobody asked for them or they are not recorded.
    """

    seed: int
    epoch: float
    steps: float
    examples: float
    seconds: float | None = None

    def at(self, unit: Unit) -> float | None:
        """The time in a unit."""
        times = {"epochs": self.epoch, "examples": self.examples, "seconds": self.seconds}
        return times.get(unit, self.steps)


@dataclass(frozen=True)
class TimeToTarget:
    """When the seeds of a setting first reached the target, and how long they were trained.

    `horizon` is in `unit`; in steps where that is seconds, of which no two runs take as many.
    """

    seeds: tuple[SeedTime, ...]
    unit: Unit
    horizon: float

    @property
    def n(self) -> int:
        return len(self.seeds)

    @property
    def reached(self) -> int:
        return sum(math.isfinite(time.steps) for time in self.seeds)

    @property
    def times(self) -> tuple[float, ...] | None:
        """In `unit`, infinity for never; None where a run has no record of its seconds."""
        known = [time for seed in self.seeds if (time := seed.at(self.unit)) is not None]
        return tuple(known) if len(known) == len(self.seeds) else None

    @property
    def median(self) -> float | None:
        """In `unit`, over all seeds, those that never got there included as infinity."""
        return None if self.times is None else statistics.median(self.times)

    @property
    def median_epoch(self) -> float:
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


def time_to_target(
    runs: Iterable[StoredRun], metric: Metric, target: float, unit: Unit = "steps"
) -> TimeToTarget | None:
    """The times of the completed and diverged runs; None if no run counts.

    An interrupted or failed run is missing: nobody knows what it would have reached.
    """
    counted = [run for run in runs if run.finished and run.rows]
    if not any(row.get(metric.name) is not None for run in counted for row in run.rows):
        return None
    furthest = max(horizon(run, unit) for run in counted)
    return TimeToTarget(
        tuple(seed_time(run, metric, target, unit) for run in counted), unit, furthest
    )


def seed_time(run: StoredRun, metric: Metric, target: float, unit: Unit) -> SeedTime:
    """When a run first reached the target; its seconds only where they are the unit."""
    index = _first(run, metric, target)
    if index is None:
        return SeedTime(run.result.seed, math.inf, math.inf, math.inf, math.inf)
    row = run.rows[index]
    epoch, steps, examples = (row[name] or 0 for name in ("epoch", "steps", "examples"))
    seconds = _seconds(run, index) if unit == "seconds" else None
    return SeedTime(run.result.seed, epoch, steps, examples, seconds)


def horizon(run: StoredRun, unit: Unit) -> float:
    """How long a run was trained; in steps where the unit is seconds."""
    return float(run.rows[-1][_COLUMNS.get(unit, "steps")] or 0)


def _first(run: StoredRun, metric: Metric, target: float) -> int | None:
    """The first row whose value is good enough."""
    for index, row in enumerate(run.rows):
        value = row.get(metric.name)
        if value is not None and metric.reaches(value, target):
            return index
    return None


def _seconds(run: StoredRun, index: int) -> float | None:
    try:
        return run.train_seconds()[index]
    except StoreError:
        return None
