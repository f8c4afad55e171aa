"""The table that people read: a row a setting of one problem."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optbench.config.spec import format_value
from optbench.report import numbers, words
from optbench.report.sentences import footnotes
from optbench.report.table import Cell, Column, Row, Table

if TYPE_CHECKING:
    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.interval import Estimate
    from optbench.analysis.metric import Metric
    from optbench.analysis.rows import SettingRow
    from optbench.analysis.target import TimeToTarget

LONGEST_NAME = 16  # of a reference in a column's header

_HEADERS = {"val_accuracy": "val accuracy", "val_loss": "val loss"}
# Which columns go first in a narrow terminal.
_DROPS = {"train_loss": 3, "val_accuracy": 2, "val_loss": 2}
_DROP_OF_TARGET = 1
_DROP_OF_IMPLIED = 4  # a hyperparameter that the optimizer's name implies


def summary_table(problem: ProblemComparison, comparison: Comparison) -> Table:
    """The settings of one problem, the best of each optimizer in a section of its own."""
    measures = _measures(problem)
    decimals = {column: _decimals(problem, column) for column in measures}
    columns = [
        Column("optimizer", "optimizer"),
        *(_hyperparameter_column(name, problem) for name in problem.differing),
        Column("n", "n", align="right"),
        *(_measure_column(name, problem.metric) for name in measures),
        *_target_columns(problem),
        *_reference_columns(problem),
    ]
    sections = [
        tuple(_row(row, problem, decimals) for row in problem.rows if row.leads is leads)
        for leads in (True, False)
    ]
    return Table(
        columns=tuple(columns),
        sections=tuple(section for section in sections if section),
        title=f"{problem.label} · {_seeds(problem)}",
        notes=tuple(footnotes(problem, comparison)),
    )


def _measures(problem: ProblemComparison) -> list[str]:
    """Train loss, validation and test accuracy (or loss), and the metric if it is another."""
    measured = {column for row in problem.rows for column in row.estimates}
    kind = "accuracy" if "test_accuracy" in measured else "loss"
    shown = ["train_loss", f"val_{kind}", f"test_{kind}", problem.metric.name]
    return [column for column in dict.fromkeys(shown) if column in measured]


def _hyperparameter_column(name: str, problem: ProblemComparison) -> Column:
    return Column(name, name, drop=0 if name in problem.telling else _DROP_OF_IMPLIED)


def _measure_column(name: str, metric: Metric) -> Column:
    drop = 0 if name == metric.name else _DROPS.get(name, 0)
    return Column(name, _HEADERS.get(name, name.replace("_", " ")), "right", drop)


def _target_columns(problem: ProblemComparison) -> list[Column]:
    if problem.target is None:
        return []
    text = words.value(problem.metric, problem.target)
    return [Column("epochs_to_target", f"epochs to {text}", "right", _DROP_OF_TARGET)]


def _reference_columns(problem: ProblemComparison) -> list[Column]:
    if problem.reference is None or len(problem.rows) == 1:
        return []
    name = problem.reference.name
    return [Column("difference", f"vs {name if len(name) <= LONGEST_NAME else 'reference'}")]


def _row(row: SettingRow, problem: ProblemComparison, decimals: dict[str, int]) -> Row:
    values = row.hyperparameters
    cells = [
        Cell(row.optimizer),
        *(Cell(format_value(values[name]) if name in values else "") for name in problem.differing),
        _count(row),
        *(_measured(row, column, problem.metric, places) for column, places in decimals.items()),
    ]
    if problem.target is not None:
        cells.append(_time(row.to_target))
    if _reference_columns(problem):
        cells.append(_difference(row, problem.metric))
    return tuple(cells)


def _count(row: SettingRow) -> Cell:
    if row.completed == row.total:
        return Cell(str(row.completed))
    text = f"{row.completed} of {row.total}"
    return Cell(text, short=f"{row.completed}/{row.total}", alarming=row.diverged > 0)


def _measured(row: SettingRow, column: str, metric: Metric, decimals: int) -> Cell:
    if column in row.estimates:
        return _estimate(column, row.estimates[column], metric, decimals)
    if column == metric.name and row.diverged and not row.completed:
        return Cell("diverged", alarming=True)
    return Cell(numbers.DASH)


def _estimate(column: str, estimate: Estimate, metric: Metric, decimals: int) -> Cell:
    mean = _number(column, estimate.mean, estimate, decimals)
    if column.endswith("_accuracy"):
        mean += "%"
    text = mean
    if estimate.margin is not None:
        text = f"{mean} ± {_number(column, estimate.margin, estimate, decimals)}"
    return Cell(text, short=None if column == metric.name else mean)


def _number(column: str, value: float, estimate: Estimate, decimals: int) -> str:
    """A mean or a margin, both in the way that suits the mean."""
    if column.endswith("_accuracy"):
        return numbers.plain(100 * value, decimals)
    if numbers.is_scientific(estimate.mean):
        return f"{value:.2e}"
    return numbers.plain(value, decimals)


def _decimals(problem: ProblemComparison, column: str) -> int:
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
        median = "mostly never"
    return Cell(
        f"{median} ({times.reached} of {times.n})",
        short=f"{median.removeprefix('mostly ')} ({times.reached}/{times.n})",
    )


def _difference(row: SettingRow, metric: Metric) -> Cell:
    if row.is_reference:
        return Cell("reference")
    if row.difference is None:
        return Cell(numbers.DASH)
    estimate = row.difference.estimate
    interval = words.bounds(metric, estimate)
    text = words.signed_distance(metric, estimate, unit=not interval)
    mark = "" if row.difference.paired else " †"
    return Cell(f"{text} {interval}".rstrip() + mark, short=None if interval else f"{text}{mark}")


def _seeds(problem: ProblemComparison) -> str:
    """`8 paired seeds`: how many stand behind the numbers, and whether they are paired."""
    counts = sorted({row.completed for row in problem.rows if row.completed})
    differences = [row.difference for row in problem.rows if row.difference]
    if not counts:
        return "no completed seed"
    if counts[-1] == 1:
        return "one seed"
    paired = bool(differences) and all(difference.paired for difference in differences)
    number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{number} {'paired ' if paired else ''}seeds"
