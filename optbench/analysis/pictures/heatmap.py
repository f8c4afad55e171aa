"""Heat maps: the final metric over two hyperparameters, an optimizer a panel."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.analysis.pictures.series import family
from optbench.analysis.target import final
from optbench.config.spec import short_value
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.metric import Metric
    from optbench.analysis.rows import SettingRow


@dataclass(frozen=True)
class Cell:
    """One setting: the mean over its completed seeds, None where none has a finite value.

    `x` and `y` are its two hyperparameters as they are written. `best`: the one of its optimizer
    that ranks first.
    """

    x: str
    y: str
    mean: float | None
    n: int
    diverged: int
    best: bool


@dataclass(frozen=True)
class Heat:
    """One optimizer's cells; `xs` and `ys` are the values of its two hyperparameters, rising."""

    family: str
    x_name: str
    y_name: str
    xs: tuple[str, ...]
    ys: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ProblemHeat:
    """A problem's optimizers of which two hyperparameters vary; `left_out` counts the others."""

    label: str
    metric: Metric
    criterion: str
    panels: tuple[Heat, ...]
    left_out: int


def problem_heats(comparison: Comparison) -> tuple[ProblemHeat, ...]:
    """Each problem with an optimizer of which two hyperparameters vary; UsageError without any."""
    found = tuple(problem for problem in map(_heat_of, comparison.problems) if problem.panels)
    if not found:
        most = max(map(_most_varying, comparison.problems), key=len, default=[])
        raise UsageError(
            "a heat map needs an optimizer of which two hyperparameters vary; "
            + (
                f"here {len(most)} do ({', '.join(most)}): fix the rest with --where"
                if len(most) > 2
                else "give it a grid of lr and one of weight_decay"
            )
        )
    return found


def _heat_of(problem: ProblemComparison) -> ProblemHeat:
    groups = _groups(problem)
    panels = [
        _panel(name, rows, problem.metric)
        for name, rows in groups.items()
        if len(_varying(rows)) == 2
    ]
    left_out = len(groups) - len(panels)
    return ProblemHeat(problem.label, problem.metric, problem.criterion, tuple(panels), left_out)


def _groups(problem: ProblemComparison) -> dict[str, list[SettingRow]]:
    """The finished settings of each optimizer, best first.

    Plain SGD is the row of momentum 0 among those with momentum, if two hyperparameters vary so.
    """
    finished = [row for row in problem.rows if row.completed or row.diverged]
    found: dict[str, list[SettingRow]] = {}
    for rows in _grouped(finished, lambda row: row.optimizer).values():
        families = _grouped(rows, family)
        is_whole = len(families) > 1 and len(_varying(rows)) == 2
        found |= {rows[0].optimizer: rows} if is_whole else families
    return found


def _grouped(
    rows: Iterable[SettingRow], key: Callable[[SettingRow], str]
) -> dict[str, list[SettingRow]]:
    groups: dict[str, list[SettingRow]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _most_varying(problem: ProblemComparison) -> list[str]:
    return max(map(_varying, _groups(problem).values()), key=len, default=[])


def _varying(rows: Sequence[SettingRow]) -> list[str]:
    """The hyperparameters with several values, the learning rate first."""
    names = dict.fromkeys(name for row in rows for name in row.hyperparameters)
    varying = [name for name in names if len({_written(row, name) for row in rows}) > 1]
    return sorted(varying, key=lambda name: name != "lr")


def _panel(name: str, rows: Sequence[SettingRow], metric: Metric) -> Heat:
    x_name, y_name = _varying(rows)
    cells = [
        _cell(row, (_written(row, x_name), _written(row, y_name)), metric, best=row is rows[0])
        for row in rows
    ]
    return Heat(name, x_name, y_name, _rising(rows, x_name), _rising(rows, y_name), tuple(cells))


def _cell(row: SettingRow, at: tuple[str, str], metric: Metric, *, best: bool) -> Cell:
    values = [final(run, metric.name) for run in row.runs if run.status == "completed"]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    mean = statistics.fmean(finite) if finite else None
    return Cell(*at, mean, len(finite), row.diverged, best and not row.diverged)


def _written(row: SettingRow, name: str) -> str:
    """Empty where the setting has no such hyperparameter."""
    return short_value(row.hyperparameters[name]) if name in row.hyperparameters else ""


def _rising(rows: Iterable[SettingRow], name: str) -> tuple[str, ...]:
    """Numbers by size, then all else by name."""
    values = {_written(row, name): row.hyperparameters.get(name) for row in rows}
    return tuple(sorted(values, key=lambda written: _place(values[written], written)))


def _place(value: Any, written: str) -> tuple[bool, float, str]:
    is_number = isinstance(value, int | float)
    return not is_number, float(value) if is_number else 0.0, written
