"""What the cells of a comparison's table say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from optbench.report import numbers, words
from optbench.report.sentences import single_basis
from optbench.report.table import Cell, Row
from optbench.report.values import value_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optbench.analysis.comparison import ProblemComparison
    from optbench.analysis.interval import Estimate
    from optbench.analysis.rows import Difference, SettingRow
    from optbench.analysis.target import TimeToTarget


@dataclass(frozen=True)
class RowCells:
    """Makes the rows of one problem's table; a column's cells have the same decimals."""

    problem: ProblemComparison
    columns: tuple[str, ...]  # their keys

    def row(self, row: SettingRow) -> Row:
        """The cells of a setting, one a column."""
        return tuple(self._cell(row, column) for column in self.columns)

    def _cell(self, row: SettingRow, column: str) -> Cell:
        if column == "optimizer":
            return Cell(row.optimizer, short=self._names[row.key])
        if column == "n":
            return _count(row)
        if column == "epochs_to_target":
            return _time(row.to_target)
        if column == "difference":
            return self._difference(row)
        if column in self._values:
            return Cell(self._values[column].get(row.key, ""))
        return self._measured(row, column)

    @cached_property
    def _values(self) -> Mapping[str, Mapping[str, str]]:
        """Hyperparameter → key of a setting that has it → text."""
        found = {row.key: row.hyperparameters for row in self.problem.rows}
        return {
            name: value_texts({key: all_[name] for key, all_ in found.items() if name in all_})
            for name in self.problem.remarkable
        }

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return value_texts({row.key: row.optimizer for row in self.problem.rows})

    def _measured(self, row: SettingRow, column: str) -> Cell:
        judged = column == self.problem.metric.name
        if column in row.estimates:
            return _estimate(column, row.estimates[column], self._decimals[column], judged=judged)
        if judged and row.diverged and not row.completed:
            return Cell("diverged", alarming=True)
        return Cell(numbers.DASH)

    @cached_property
    def _decimals(self) -> Mapping[str, int]:
        measured = {column for row in self.problem.rows for column in row.estimates}
        return {column: _column_decimals(self.problem, column) for column in measured}

    def _difference(self, row: SettingRow) -> Cell:
        if row.is_reference:
            return Cell("reference")
        if row.difference is None:
            return Cell(numbers.DASH)
        metric, estimate = self.problem.metric, row.difference.estimate
        number = words.signed_distance(metric, estimate, self._difference_decimals)
        interval = words.bounds(metric, estimate, self._difference_decimals)
        mark = "" if row.difference.paired else "†"
        rest = [part for part in (interval or self._basis(row.difference), mark) if part]
        if not metric.is_accuracy or self._has_interval:
            return Cell(" ".join([number, *rest]))
        return Cell(" ".join([number, "points", *rest]), short=" ".join([number, "pts", *rest]))

    def _basis(self, difference: Difference) -> str:
        """What a number without an interval rests on, where that differs from row to row."""
        single = difference.is_single and not self.problem.one_seed_each
        return f"({single_basis(difference)})" if single else ""

    @cached_property
    def _differences(self) -> list[Estimate]:
        return [row.difference.estimate for row in self.problem.rows if row.difference]

    @cached_property
    def _difference_decimals(self) -> int:
        return words.difference_decimals(self.problem.metric, self._differences)

    @cached_property
    def _has_interval(self) -> bool:
        """Whether a footnote says that the column is in points."""
        return any(estimate.margin is not None for estimate in self._differences)


def _count(row: SettingRow) -> Cell:
    if row.completed == row.total:
        return Cell(str(row.completed))
    text = f"{row.completed} of {row.total}"
    return Cell(text, short=f"{row.completed}/{row.total}", alarming=row.diverged > 0)


def _estimate(column: str, estimate: Estimate, decimals: int, *, judged: bool) -> Cell:
    mean = _number(column, estimate.mean, estimate, decimals)
    if column.endswith("_accuracy"):
        mean += "%"
    text = mean
    if estimate.margin is not None:
        text = f"{mean} ± {_number(column, estimate.margin, estimate, decimals)}"
    return Cell(text, short=None if judged else mean)


def _number(column: str, value: float, estimate: Estimate, decimals: int) -> str:
    """A mean or a margin, both in the way that suits the mean."""
    if column.endswith("_accuracy"):
        return numbers.plain(100 * value, decimals)
    if numbers.is_scientific(estimate.mean):
        return numbers.scientific(value)
    return numbers.plain(value, decimals)


def _column_decimals(problem: ProblemComparison, column: str) -> int:
    """Decimals with which the smallest margin of the column still says something."""
    estimates = [row.estimates[column] for row in problem.rows if column in row.estimates]
    margins = [estimate.margin for estimate in estimates if estimate.margin]
    if column.endswith("_accuracy"):
        return numbers.decimals_for(100 * min(margins, default=0.0), 1, 2)
    return numbers.decimals_for(min(margins, default=0.0), 3, 4)


def _time(times: TimeToTarget | None) -> Cell:
    if times is None:
        return Cell(numbers.DASH)
    median = numbers.compact(times.median_epoch)
    if times.n == 1:
        return Cell(median)
    if times.reached and math.isinf(times.median_epoch):
        return Cell(f"{times.reached} of {times.n}")
    return Cell(
        f"{median} ({times.reached} of {times.n})", short=f"{median} ({times.reached}/{times.n})"
    )
