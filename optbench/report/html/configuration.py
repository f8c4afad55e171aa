"""What the settings of a problem have in common, and in what they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.config.spec import format_value
from optbench.report import numbers
from optbench.report.table import Cell, Column, Row, Table, cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optbench.analysis.comparison import ProblemComparison
    from optbench.analysis.rows import SettingRow


@dataclass(frozen=True)
class Configuration:
    """Hyperparameters with one value, by name, a table of the others, and numbers of examples."""

    shared: Mapping[str, str]
    differing: Table
    sizes: Mapping[str, str]


def configuration(problem: ProblemComparison) -> Configuration:
    """The settings' hyperparameters, defaults included, in order of rank."""
    columns = (
        Column("setting", "setting"),
        *(Column(name, name) for name in problem.differing),
    )
    names = dict.fromkeys(name for row in problem.rows for name in row.hyperparameters)
    return Configuration(
        shared={
            name: _shared(name, problem.rows) for name in names if name not in problem.differing
        },
        differing=Table(columns, (tuple(_row(row, problem.differing) for row in problem.rows),)),
        sizes=_sizes(problem.rows[0]),
    )


def _shared(name: str, rows: Sequence[SettingRow]) -> str:
    """The value that all rows with this hyperparameter have; whose it is, where not of all."""
    having = [row for row in rows if name in row.hyperparameters]
    value = format_value(having[0].hyperparameters[name])
    if len(having) == len(rows):
        return value
    return f"{value} ({', '.join(dict.fromkeys(row.optimizer for row in having))})"


def _row(row: SettingRow, names: tuple[str, ...]) -> Row:
    return (cell(row.label), *(_value(row, name) for name in names))


def _value(row: SettingRow, name: str) -> Cell:
    if name not in row.hyperparameters:
        return cell(None, numbers.DASH)
    value = row.hyperparameters[name]
    return cell(value if isinstance(value, int | float) else None, format_value(value))


def _sizes(row: SettingRow) -> dict[str, str]:
    sizes = row.runs[0].result.sizes
    told = {
        "training examples": sizes.train,
        "validation examples": sizes.validation,
        "test examples": sizes.test,
        "parameters": sizes.parameters,
    }
    return {name: f"{number:,}" for name, number in told.items()}
