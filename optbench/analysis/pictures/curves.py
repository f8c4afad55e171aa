"""Learning curves: each seed, the mean over seeds and its interval, epoch by epoch."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from optbench.analysis.interval import t_interval
from optbench.analysis.pictures.progress import check_clock, positions
from optbench.analysis.pictures.series import Series, series_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.metric import Metric
    from optbench.analysis.rows import SettingRow
    from optbench.analysis.target import Unit
    from optbench.store.stored_run import StoredRun

Kept = TypeVar("Kept")

MOST_POINTS = 400  # of a curve: more than a panel has pixels for


@dataclass(frozen=True)
class Point:
    """Mean and 95% t interval over `n` seeds at one epoch; no interval for one seed.

    `at` is where: epochs, steps, or the seeds' mean seconds.
    """

    at: float
    epoch: float
    mean: float
    low: float | None
    high: float | None
    n: int


class Sample(NamedTuple):
    """One seed's value at one evaluation."""

    at: float
    epoch: float
    value: float


@dataclass(frozen=True)
class SeedCurve:
    """What one seed did, as far as it was finite."""

    seed: int
    diverged: bool
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Trace:
    """One quantity of a setting: its seeds, and their mean.

    The mean is over the completed seeds; of a setting that has none, over the diverged ones
    as far as all of them are finite.
    """

    seeds: tuple[SeedCurve, ...]
    mean: tuple[Point, ...]


@dataclass(frozen=True)
class Curve:
    """One setting's train loss and metric, without the untrained row."""

    series: Series
    loss: Trace
    metric: Trace
    completed: int
    diverged: int


@dataclass(frozen=True)
class ProblemCurves:
    """A problem and the best setting of each optimizer that finished.

    `left_out` counts its other settings with finished seeds, `unfinished` those without any.
    """

    label: str
    metric: Metric
    unit: Unit
    curves: tuple[Curve, ...]
    left_out: int
    unfinished: int


def problem_curves(comparison: Comparison, unit: Unit = "epochs") -> tuple[ProblemCurves, ...]:
    """The curves of each problem's leading settings; UsageError for seconds nobody can compare."""
    return tuple(_curves_of(problem, unit) for problem in comparison.problems)


def _curves_of(problem: ProblemComparison, unit: Unit) -> ProblemCurves:
    finished = [row for row in problem.rows if row.completed or row.diverged]
    leading = [row for row in finished if row.leads]
    check_clock([run for row in leading for run in row.runs if run.finished], unit)
    curves = tuple(
        _curve(series, row, problem.metric, unit)
        for series, row in zip(series_of(leading), leading, strict=True)
    )
    return ProblemCurves(
        label=problem.label,
        metric=problem.metric,
        unit=unit,
        curves=curves,
        left_out=len(finished) - len(curves),
        unfinished=len(problem.rows) - len(finished),
    )


def _curve(series: Series, row: SettingRow, metric: Metric, unit: Unit) -> Curve:
    runs = [run for run in row.runs if run.finished]
    return Curve(
        series=series,
        loss=trace(runs, "train_loss", unit),
        metric=trace(runs, metric.name, unit),
        completed=row.completed,
        diverged=row.diverged,
    )


def trace(runs: Iterable[StoredRun], column: str, unit: Unit = "epochs") -> Trace:
    """The seeds of a column from row 1 on, and their mean where each of them has a value."""
    seeds = [
        SeedCurve(run.result.seed, run.status == "diverged", tuple(_samples(run, column, unit)))
        for run in runs
    ]
    completed = [curve for curve in seeds if not curve.diverged]
    mean = _mean([curve.samples for curve in completed or seeds])
    thinned = [SeedCurve(c.seed, c.diverged, tuple(_thinned(c.samples))) for c in seeds]
    return Trace(tuple(thinned), tuple(_thinned(mean)))


def _samples(run: StoredRun, column: str, unit: Unit) -> Iterator[Sample]:
    for at, row in zip(positions(run, unit), run.rows, strict=True):
        value, epoch = row.get(column), row["epoch"]
        if row is not run.rows[0] and epoch is not None and value is not None:
            if not math.isfinite(value):
                return
            yield Sample(at, epoch, value)


def _mean(seeds: Sequence[Sequence[Sample]]) -> list[Point]:
    found: dict[float, list[Sample]] = defaultdict(list)
    for samples in seeds:
        for sample in samples:
            found[sample.epoch].append(sample)
    return [
        _point(epoch, samples)
        for epoch, samples in sorted(found.items())
        if len(samples) == len(seeds)
    ]


def _point(epoch: float, samples: Sequence[Sample]) -> Point:
    estimate = t_interval([sample.value for sample in samples])
    at = math.fsum(sample.at for sample in samples) / len(samples)
    return Point(at, epoch, estimate.mean, estimate.low, estimate.high, estimate.n)


def _thinned(points: Sequence[Kept]) -> list[Kept]:
    """Every so many points, counted from the last, which stays."""
    step = math.ceil(len(points) / MOST_POINTS) or 1
    return list(points[::-1][::step][::-1])
