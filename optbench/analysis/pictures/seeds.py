"""Distributions: the final metric of every seed, setting by setting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.interval import Estimate, t_interval
from optbench.analysis.pictures.series import Series, series_of
from optbench.analysis.target import final
from optbench.errors import UsageError

if TYPE_CHECKING:
    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.metric import Metric
    from optbench.analysis.rows import SettingRow


@dataclass(frozen=True)
class Strip:
    """One setting: value by seed of the completed runs, their mean and 95% t interval."""

    series: Series
    values: tuple[tuple[int, float], ...]
    estimate: Estimate | None
    diverged: int
    is_reference: bool


@dataclass(frozen=True)
class ProblemSeeds:
    """A problem and the best setting of each optimizer that finished, best first."""

    label: str
    metric: Metric
    strips: tuple[Strip, ...]
    left_out: int


def problem_seeds(comparison: Comparison) -> tuple[ProblemSeeds, ...]:
    """The final values of each problem's leading settings; UsageError where none completed."""
    found = tuple(map(_seeds, comparison.problems))
    if not any(strip.values for problem in found for strip in problem.strips):
        raise UsageError(
            f"no completed run has a final {comparison.metric.name}, so there is nothing to draw"
        )
    return found


def _seeds(problem: ProblemComparison) -> ProblemSeeds:
    finished = [row for row in problem.rows if row.completed or row.diverged]
    leading = [row for row in finished if row.leads]
    strips = [
        _strip(series, row, problem.metric)
        for series, row in zip(series_of(leading), leading, strict=True)
    ]
    return ProblemSeeds(
        problem.label, problem.metric, tuple(strips), left_out=len(finished) - len(strips)
    )


def _strip(series: Series, row: SettingRow, metric: Metric) -> Strip:
    values = [
        (run.result.seed, value)
        for run in row.runs
        if run.status == "completed"
        and (value := final(run, metric.name)) is not None
        and math.isfinite(value)
    ]
    estimate = t_interval([value for _, value in values]) if values else None
    return Strip(series, tuple(values), estimate, row.diverged, row.is_reference)
