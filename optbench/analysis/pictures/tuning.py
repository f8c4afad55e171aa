"""Tuning curves: what the best of k settings, tried in random order, is expected to score.

Tang et al., "Showing your work doesn't always work", ACL 2020. Of a grid it is exact for
"k of these settings drawn at random"; it tells nothing about settings outside the grid, so
that there is no band and no crossing is named [Lourie et al. 2023].
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.pictures.series import Series, family
from optbench.analysis.statistics.best_of_k import Trials, expected_best
from optbench.analysis.target import final
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.metric import Metric
    from optbench.analysis.rows import SettingRow

FEWEST_SETTINGS = 4


@dataclass(frozen=True)
class TuningCurve:
    """Expected value of the best of k settings, for k from 1 to all of them."""

    series: Series
    expected: tuple[float, ...]
    diverged: int  # settings that count as untrained


@dataclass(frozen=True)
class ProblemTuning:
    """The optimizers of a problem with enough settings; `left_out` counts the others."""

    label: str
    metric: Metric
    criterion: str
    curves: tuple[TuningCurve, ...]
    left_out: int


def problem_tunings(comparison: Comparison) -> tuple[ProblemTuning, ...]:
    """Each problem with an optimizer of four or more settings; UsageError without any."""
    found = tuple(problem for problem in map(_tuning, comparison.problems) if problem.curves)
    if not found:
        raise UsageError(
            f"a tuning curve needs {FEWEST_SETTINGS} finished settings of one optimizer; "
            "give it a grid of learning rates"
        )
    return found


def _tuning(problem: ProblemComparison) -> ProblemTuning:
    rows: dict[str, list[SettingRow]] = defaultdict(list)
    for row in problem.rows:
        if row.completed or row.diverged:
            rows[family(row)].append(row)
    curves = [_curve(name, tried, problem) for name, tried in rows.items()]
    told = tuple(curve for curve in curves if curve is not None)
    return ProblemTuning(
        problem.label, problem.metric, problem.criterion, told, len(curves) - len(told)
    )


def _curve(name: str, rows: Sequence[SettingRow], problem: ProblemComparison) -> TuningCurve | None:
    tried = [trial for row in rows if (trial := _trial(row, problem.metric, problem.criterion))]
    if len(tried) < FEWEST_SETTINGS:
        return None
    # Losses select, so that lower is better; the value itself may go either way.
    validation, values = zip(*tried, strict=True)
    trials = Trials(tuple(-loss for loss in validation), tuple(values), higher_is_better=True)
    expected = tuple(expected_best(trials, k) for k in range(1, len(tried) + 1))
    return TuningCurve(Series(name, name, 0), expected, sum(map(math.isinf, validation)))


def _trial(row: SettingRow, metric: Metric, criterion: str) -> tuple[float, float] | None:
    """A setting's selection loss and its value of the metric, both means over its seeds.

    With a diverged seed: infinitely bad, and in the metric as untrained. None where the metric
    was not measured.
    """
    runs = [run for run in row.runs if run.finished and run.rows]
    if row.diverged:
        return _both([math.inf], [run.rows[0].get(metric.name) for run in runs])
    losses = [final(run, criterion) for run in runs]
    return _both(losses, [final(run, metric.name) for run in runs])


def _both(
    losses: Sequence[float | None], values: Sequence[float | None]
) -> tuple[float, float] | None:
    known = [loss for loss in losses if loss is not None and not math.isnan(loss)]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if not known or not finite:
        return None
    return statistics.fmean(known), statistics.fmean(finite)
