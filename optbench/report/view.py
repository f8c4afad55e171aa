"""What a comparison's table shows, and in which order; the same runs say the same in each view."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.metric import METRICS, Metric
from optbench.config.spec import format_value
from optbench.config.suggest import did_you_mean
from optbench.errors import UsageError

if TYPE_CHECKING:
    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.interval import Estimate
    from optbench.analysis.rows import SettingRow

SORTABLE = ("optimizer", "n", *METRICS, "to_target", "verdict", "difference")
_VERDICTS = {"better": 0, "undecided": 1, "worse": 2}

Order = tuple[bool, float, str]


@dataclass(frozen=True)
class View:
    """How people want the table.

    `sort_by` names a column as csv does: metrics and differences from best to worst, the rest
    ascending; by rank without. `all_seeds` gives a row a seed, `all_columns` every hyperparameter
    and metric instead of those that differ.
    """

    sort_by: str | None = None
    all_seeds: bool = False
    all_columns: bool = False


DEFAULT_VIEW = View()


def shown_hyperparameters(problem: ProblemComparison, view: View) -> tuple[str, ...]:
    """Those worth a column, or all of them."""
    if not view.all_columns:
        return problem.remarkable
    return tuple(dict.fromkeys(name for row in problem.rows for name in row.hyperparameters))


def check_view(view: View, comparison: Comparison) -> None:
    """Raise UsageError where no table has the column to sort by."""
    if view.sort_by is None:
        return
    names = [
        name
        for problem in comparison.problems
        for row in problem.rows
        for name in row.hyperparameters
    ]
    measured = [name for p in comparison.problems for row in p.rows for name in row.estimates]
    known = list(dict.fromkeys([*SORTABLE, *names, *measured]))
    if view.sort_by not in known:
        hint = did_you_mean(view.sort_by, known) or f"there are {', '.join(known)}"
        raise UsageError(f"sort-by: no column is {view.sort_by!r}; {hint}")


def ordered(problem: ProblemComparison, view: View) -> list[SettingRow]:
    """The rows in the view's order; rows without a value last, ties by rank."""
    column = view.sort_by
    if column is None:
        return list(problem.rows)
    return sorted(problem.rows, key=lambda row: _order(row, column, problem.metric))


def _order(row: SettingRow, column: str, metric: Metric) -> Order:
    if column in METRICS or column in row.estimates:
        return _badness(_mean(row.estimates.get(column)), Metric(column))
    if column == "difference":
        return _badness(_mean(row.difference.estimate if row.difference else None), metric)
    if column == "to_target":
        return _number(row.to_target.median if row.to_target else None)
    if column == "n":
        return _number(row.completed)
    if column == "verdict":
        return _number(_VERDICTS.get(str(row.verdict and row.verdict.decision)))
    value = row.family if column == "optimizer" else row.hyperparameters.get(column)
    if isinstance(value, int | float):
        return _number(value)
    return value is None, 0.0, "" if value is None else format_value(value)


def _mean(estimate: Estimate | None) -> float | None:
    return estimate.mean if estimate else None


def _badness(value: float | None, metric: Metric) -> Order:
    return _number(-value if value is not None and metric.higher_is_better else value)


def _number(value: float | None) -> Order:
    if value is None or math.isnan(value):
        return True, 0.0, ""
    return False, value, ""
