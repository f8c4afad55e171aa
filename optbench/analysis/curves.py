"""What the picture of a comparison shows: mean curves and their intervals, as plain data."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.interval import t_interval

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.metric import Metric
    from optbench.analysis.rows import SettingRow
    from optbench.store.scan import StoredRun


@dataclass(frozen=True)
class Point:
    """Mean and 95% t interval over `n` seeds at one epoch; no interval for one seed."""

    epoch: float
    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Curve:
    """One setting's train loss and metric, epoch by epoch, without the untrained row.

    The mean is over the completed seeds; of a setting that has none, over the diverged ones
    as far as all of them are finite.
    """

    label: str
    loss: tuple[Point, ...]
    metric: tuple[Point, ...]
    completed: int
    diverged: int


@dataclass(frozen=True)
class ProblemCurves:
    """One row of panels: a problem and the best setting of each optimizer that finished.

    `left_out` counts its other settings with finished seeds, `unfinished` those without any.
    """

    label: str
    metric: Metric
    curves: tuple[Curve, ...]
    left_out: int
    unfinished: int


def problem_curves(comparison: Comparison) -> tuple[ProblemCurves, ...]:
    """The curves of each problem's leading settings."""
    return tuple(_curves_of(problem) for problem in comparison.problems)


def mean_curve(runs: Iterable[StoredRun], column: str) -> tuple[Point, ...]:
    """Mean and interval of a column at each epoch that every one of the runs has, from row 1."""
    members = list(runs)
    values: dict[float, list[float]] = defaultdict(list)
    for run in members:
        for row in run.rows[1:]:
            value, epoch = row.get(column), row["epoch"]
            if epoch is not None and value is not None and math.isfinite(value):
                values[epoch].append(value)
    return tuple(
        _point(epoch, found)
        for epoch, found in sorted(values.items())
        if len(found) == len(members)
    )


def _curves_of(problem: ProblemComparison) -> ProblemCurves:
    finished = [row for row in problem.rows if row.completed or row.diverged]
    curves = tuple(_curve(row, problem.metric) for row in finished if row.leads)
    return ProblemCurves(
        label=problem.label,
        metric=problem.metric,
        curves=curves,
        left_out=len(finished) - len(curves),
        unfinished=len(problem.rows) - len(finished),
    )


def _curve(row: SettingRow, metric: Metric) -> Curve:
    status = "completed" if row.completed else "diverged"
    runs = [run for run in row.runs if run.status == status]
    return Curve(
        label=row.label,
        loss=mean_curve(runs, "train_loss"),
        metric=mean_curve(runs, metric.name),
        completed=row.completed,
        diverged=row.diverged,
    )


def _point(epoch: float, values: list[float]) -> Point:
    estimate = t_interval(values)
    return Point(epoch, estimate.mean, estimate.low, estimate.high, estimate.n)
