"""Time to target: the share of a setting's seeds that reached it by each moment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.pictures.progress import check_clock, positions
from optbench.analysis.pictures.series import Series, series_of
from optbench.analysis.target import time_to_target
from optbench.errors import UsageError

if TYPE_CHECKING:
    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.metric import Metric
    from optbench.analysis.rows import SettingRow
    from optbench.analysis.target import Unit


@dataclass(frozen=True)
class Arrivals:
    """A setting's seeds: when each reached the target, infinite for never, and until when they
    were trained."""

    series: Series
    times: tuple[float, ...]
    horizon: float

    @property
    def reached(self) -> int:
        return sum(map(math.isfinite, self.times))

    @property
    def steps(self) -> tuple[tuple[float, int], ...]:
        """How many seeds had arrived, from each moment on at which that changes, and at the end."""
        moments = sorted({time for time in self.times if math.isfinite(time)} | {0, self.horizon})
        return tuple((at, sum(time <= at for time in self.times)) for at in moments)


@dataclass(frozen=True)
class ProblemArrivals:
    """A problem's target, and when its leading settings reached it."""

    label: str
    metric: Metric
    target: float
    unit: Unit
    arrivals: tuple[Arrivals, ...]
    left_out: int


def problem_arrivals(
    comparison: Comparison, unit: Unit | None = None
) -> tuple[ProblemArrivals, ...]:
    """Each problem that has a target; UsageError where nobody reached any.

    The unit is what the question asked for, unless another is given.
    """
    found = [_arrivals(problem, unit or problem.unit) for problem in comparison.problems]
    told = tuple(problem for problem in found if problem is not None)
    if not told:
        raise UsageError("there is no target to draw the time to; name one with --target")
    if not any(setting.reached for problem in told for setting in problem.arrivals):
        targets = ", ".join(sorted({f"{problem.target:g}" for problem in told}))
        raise UsageError(
            f"no seed of any setting reached the target {targets}; choose an easier --target"
        )
    return told


def leading_times(
    problem: ProblemComparison, unit: Unit
) -> list[tuple[SettingRow, tuple[float, ...]]]:
    """The leading rows with when each seed reached the problem's target.

    UsageError for seconds that nobody can compare or has recorded.
    """
    if problem.target is None:
        return []
    rows = [row for row in problem.rows if row.leads]
    check_clock([run for row in rows for run in row.runs if run.finished], unit)
    reaching = [
        (row, time_to_target(row.runs, problem.metric, problem.target, unit)) for row in rows
    ]
    if any(times is not None and times.times is None for _, times in reaching):
        raise UsageError("a run has no record of its seconds; choose epochs or steps")
    return [(row, times.times) for row, times in reaching if times and times.times]


def _arrivals(problem: ProblemComparison, unit: Unit) -> ProblemArrivals | None:
    timed = leading_times(problem, unit)
    if problem.target is None or not timed:
        return None
    finished = [row for row in problem.rows if row.completed or row.diverged]
    series = series_of([row for row, _ in timed])
    arrivals = [
        Arrivals(told, times, _horizon(row, unit))
        for told, (row, times) in zip(series, timed, strict=True)
    ]
    return ProblemArrivals(
        label=problem.label,
        metric=problem.metric,
        target=problem.target,
        unit=unit,
        arrivals=tuple(arrivals),
        left_out=len(finished) - len(arrivals),
    )


def _horizon(row: SettingRow, unit: Unit) -> float:
    """How long the longest run was trained."""
    return max(positions(run, unit)[-1] for run in row.runs if run.finished and run.rows)
