"""What the cells of a comparison's table say."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from optbench.analysis.setting import mark as setting_mark
from optbench.report import numbers
from optbench.report.differences import DifferenceCells, verdict_cell
from optbench.report.table import Cell, Row
from optbench.report.values import value_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optbench.analysis.comparison import ProblemComparison
    from optbench.analysis.interval import Estimate
    from optbench.analysis.rows import SettingRow
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
            mark = setting_mark(row.label)
            return Cell(row.family + mark, short=self._names[row.key] + mark)
        if column == "n":
            return _count(row)
        if column == "to_target":
            return _time(row.to_target)
        if column == "verdict":
            return verdict_cell(row)
        if column == "difference":
            return self._differences.cell(row)
        if column in self._values:
            return Cell(self._values[column].get(row.key, ""))
        return self._measured(row, column)

    @cached_property
    def _values(self) -> Mapping[str, Mapping[str, str]]:
        """Hyperparameter → key of a setting that has it → text."""
        found = {row.key: row.hyperparameters for row in self.problem.rows}
        having = {
            name: {key: all_[name] for key, all_ in found.items() if name in all_}
            for name in self.columns
        }
        return {name: value_texts(values) for name, values in having.items() if values}

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return value_texts({row.key: row.family for row in self.problem.rows})

    def _measured(self, row: SettingRow, column: str) -> Cell:
        judged = column == self.problem.metric.name
        if column in row.estimates:
            estimate, decimals = row.estimates[column], self._decimals[column]
            return estimate_cell(column, estimate, decimals, judged=judged)
        if judged and row.diverged and not row.completed:
            return Cell("diverged", alarming=True)
        return Cell(numbers.DASH)

    @cached_property
    def _decimals(self) -> Mapping[str, int]:
        found: dict[str, list[Estimate]] = defaultdict(list)
        for row in self.problem.rows:
            for column, estimate in row.estimates.items():
                found[column].append(estimate)
        return {column: column_decimals(column, estimates) for column, estimates in found.items()}

    @cached_property
    def _differences(self) -> DifferenceCells:
        return DifferenceCells(self.problem)


def _count(row: SettingRow) -> Cell:
    if row.completed == row.total:
        return Cell(str(row.completed))
    text = f"{row.completed} of {row.total}"
    return Cell(text, short=f"{row.completed}/{row.total}", alarming=row.diverged > 0)


def estimate_cell(column: str, estimate: Estimate, decimals: int, *, judged: bool) -> Cell:
    """`97.5% ± 0.1`; of a column that is not judged the mean alone says enough."""
    if math.isnan(estimate.mean):  # infinite or not a number at some seed
        return Cell("not finite", alarming=True)
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


def column_decimals(column: str, estimates: Iterable[Estimate]) -> int:
    """Decimals with which the smallest margin of the column still says something."""
    margins = [estimate.margin for estimate in estimates if estimate.margin]
    if column.endswith("_accuracy"):
        return numbers.decimals_for(100 * min(margins, default=0.0), 1, 2)
    return numbers.decimals_for(min(margins, default=0.0), 3, 4)


def _time(times: TimeToTarget | None) -> Cell:
    if times is None or times.median is None:
        return Cell(numbers.DASH)
    median = numbers.compact(times.median)
    if times.n == 1:
        return Cell(median)
    if times.reached and math.isinf(times.median):
        return Cell(f"{times.reached} of {times.n}")
    alike = times.reached in (0, times.n)  # then the column n says the rest
    short = median if alike else f"{median} ({times.reached}/{times.n})"
    return Cell(f"{median} ({times.reached} of {times.n})", short=short)
