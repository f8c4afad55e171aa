"""The table that people read: a row a setting of one problem."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from optbench.analysis.metric import comparable
from optbench.report import words
from optbench.report.cells import RowCells
from optbench.report.footnotes import default_target, footnotes, marks
from optbench.report.seeds import seed_sections
from optbench.report.sentences import mention_target
from optbench.report.table import Cell, Column, Table
from optbench.report.verdicts import judged
from optbench.report.view import DEFAULT_VIEW, View, ordered, shown_hyperparameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.rows import SettingRow
    from optbench.report.table import Row

LONGEST_NAME = 16  # of a reference in a column's header
MOST_ROWS = 24  # of more settings only the best of each optimizer are shown

# Which columns go first in a narrow terminal; the metric and what ranks the rows stay.
_DROPS = {"val_accuracy": 5, "train_loss": 4, "val_loss": 4, "test_accuracy": 2, "test_loss": 2}
_DROP_OF_TARGET = 3
_DROP_OF_GIVEN = 1  # a hyperparameter of settings that their optimizers' names tell apart


def summary_table(
    problem: ProblemComparison, comparison: Comparison, view: View = DEFAULT_VIEW
) -> Table:
    """The settings of one problem, the best of each optimizer in a section of its own."""
    rows = ordered(problem, view)
    left_out = 0 if view != DEFAULT_VIEW or len(rows) <= MOST_ROWS else _others(rows)
    if left_out:
        rows = [row for row in rows if row.leads]
    columns = [
        Column("optimizer", "optimizer"),
        *(
            _hyperparameter_column(name, problem, is_told=left_out > 0 and name != "lr")
            for name in shown_hyperparameters(problem, view)
        ),
        Column("n", "seed" if view.all_seeds else "n", align="right"),
        *(_measure_column(name, problem) for name in _measures(problem, view)),
        *_target_columns(problem, comparison),
        *([] if view.all_seeds else _reference_columns(problem)),
    ]
    if view.all_columns:
        columns = [replace(column, drop=0) for column in columns]
    return Table(
        columns=tuple(columns),
        sections=_sections(problem, rows, columns, view),
        title=f"{problem.label} · {_seeds(problem)}",
        notes=(
            *([] if view.all_seeds else marks(problem)),
            *footnotes(problem, comparison),
            *([f"{left_out:,} other settings are not shown: --by setting."] if left_out else []),
        ),
    )


def _others(rows: Sequence[SettingRow]) -> int:
    """How many are not the best of an optimizer; 0 where no row is."""
    others = sum(not row.leads for row in rows)
    return others if others < len(rows) else 0


def _sections(
    problem: ProblemComparison, rows: Sequence[SettingRow], columns: Sequence[Column], view: View
) -> tuple[tuple[Row, ...], ...]:
    if view.all_seeds:
        return seed_sections(problem, rows, columns)
    cells = RowCells(problem, tuple(column.key for column in columns))
    if len(rows) < len(problem.rows):  # an optimizer's name stands for its best setting
        return (tuple((Cell(row.name), *cells.row(row)[1:]) for row in rows),)
    sections = (
        tuple(cells.row(row) for row in rows if row.leads is leads) for leads in (True, False)
    )
    return tuple(section for section in sections if section)


def _measures(problem: ProblemComparison, view: View) -> list[str]:
    """Train loss, what ranks the rows, validation and test accuracy (or loss), and the metric."""
    measured = dict.fromkeys(column for row in problem.rows for column in row.estimates)
    if view.all_columns:
        return comparable(measured)
    kind = "accuracy" if "test_accuracy" in measured else "loss"
    shown = ["train_loss", problem.criterion, f"val_{kind}", f"test_{kind}", problem.metric.name]
    return [column for column in dict.fromkeys(shown) if column in measured]


def _hyperparameter_column(name: str, problem: ProblemComparison, *, is_told: bool) -> Column:
    """An argument of the schedule stands under its own name unless that is another's too.

    It may give way where names tell the rows apart.
    """
    short = name.removeprefix("schedule.")
    header = name if short in problem.differing else short
    stays = name in problem.telling and not is_told
    return Column(name, header, drop=0 if stays else _DROP_OF_GIVEN, below=True)


def _measure_column(name: str, problem: ProblemComparison) -> Column:
    stays = name in (problem.metric.name, problem.criterion)
    return Column(name, name.replace("_", " "), "right", 0 if stays else _DROPS.get(name, 0))


def _target_columns(problem: ProblemComparison, comparison: Comparison) -> list[Column]:
    if problem.target is None or not problem.is_measured:
        return []
    header = f"{problem.unit} to {words.value(problem.metric, problem.target)}"
    note = "" if mention_target(problem) else default_target(problem, comparison)
    return [Column("to_target", header, "right", _DROP_OF_TARGET, note)]


def _reference_columns(problem: ProblemComparison) -> list[Column]:
    if problem.reference is None or len(problem.rows) == 1:
        return []
    name = problem.reference.name
    judged_rows = any(judged(row) for row in problem.rows)
    return [
        *([Column("verdict", "verdict")] if judged_rows else []),
        Column("difference", f"vs {name if len(name) <= LONGEST_NAME else 'reference'}"),
    ]


def _seeds(problem: ProblemComparison) -> str:
    """`8 paired seeds` or `3 and 1 seeds, 1 in common`: what stands behind the numbers.

    Diverged ones are counted, as verdicts do, and named.
    """
    found = [seeds for row in problem.rows if (seeds := row.finished_seeds)]
    if not found:
        return "no finished seed"
    shared = frozenset.intersection(*found)
    if all(seeds == shared for seeds in found):
        told = _same_seeds(problem, len(shared))
    else:
        told = f"{_amounts([len(seeds) for seeds in found])}, {len(shared) or 'none'} in common"
    diverged = sum(row.diverged for row in problem.rows)
    return f"{told}, {diverged:,} run{'s' * (diverged != 1)} diverged" if diverged else told


def _same_seeds(problem: ProblemComparison, number: int) -> str:
    others = [row for row in problem.rows if not row.is_reference]
    paired = bool(others) and all(map(_is_paired, others))
    return "one seed" if number == 1 else f"{number} {'paired ' if paired else ''}seeds"


def _is_paired(row: SettingRow) -> bool:
    if row.difference is not None:
        return row.difference.paired
    verdict = judged(row)
    return verdict is not None and verdict.test != "welch"


def _amounts(counts: list[int]) -> str:
    least, most = min(counts), max(counts)
    if least == most:
        return "one seed each" if least == 1 else f"{least} seeds each"
    return f"{counts[0]} and {counts[1]} seeds" if len(counts) == 2 else f"{least} to {most} seeds"
