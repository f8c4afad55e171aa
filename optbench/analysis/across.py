"""What several problems say together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.statistics.aggregate import (
    geometric_mean,
    interquartile_mean,
    optimality_gap,
    stratified_bootstrap,
)
from optbench.analysis.target import final
from optbench.config.spec import display_name, format_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.analysis.comparison import ProblemComparison
    from optbench.analysis.interval import Estimate
    from optbench.analysis.rows import SettingRow


@dataclass(frozen=True)
class Overall:
    """An optimizer over all problems: interquartile mean of its final accuracies, a fraction,
    with a bootstrap interval from ten seeds on, and how far it falls short of 1 on average."""

    name: str
    accuracy: Estimate
    gap: float


def are_several(problems: Sequence[ProblemComparison]) -> bool:
    """Whether these are two or more, none of them a variant of another.

    One data set split in two ways, or the stand-in of another, is not a second problem.
    """
    kinds = {_kind(problem) for problem in problems}
    return 1 < len(kinds) == len(problems)


def _kind(problem: ProblemComparison) -> tuple[str, str]:
    """The data set that was asked for, and the model."""
    config = problem.rows[0].runs[0].result.config
    data = problem.requested_dataset or display_name(str(config["dataset"]["name"]))
    return data.removesuffix("-5k"), format_value(config["model"])


def overall_accuracies(problems: Sequence[ProblemComparison]) -> tuple[Overall, ...]:
    """Of what leads in each of several problems, best first.

    An accuracy needs no normalization: 0 and 1 are the same everywhere. Empty for one problem and
    for losses; without those that lack a seed in a problem.
    """
    if not are_several(problems) or not all(problem.metric.is_accuracy for problem in problems):
        return ()
    columns = [problem.metric.name for problem in problems]
    told = [_overall(name, rows, columns) for name, rows in _in_all(problems).items()]
    return tuple(sorted(filter(None, told), key=lambda one: -one.accuracy.mean))


def _overall(name: str, rows: Sequence[SettingRow], columns: Sequence[str]) -> Overall | None:
    scores = [_finals(row, column) for row, column in zip(rows, columns, strict=True)]
    if len({tuple(found) for found in scores}) != 1 or not scores[0]:
        return None
    values = [list(found.values()) for found in scores]
    return Overall(
        name=name,
        accuracy=stratified_bootstrap(values, interquartile_mean),
        gap=optimality_gap([value for row in values for value in row]),
    )


def _finals(row: SettingRow, column: str) -> dict[int, float]:
    """By seed; a diverged one has learned nothing that counts."""
    told: dict[int, float] = {}
    for run in row.runs:
        value = final(run, column) if run.status == "completed" else 0.0
        if run.finished and value is not None:
            told[run.result.seed] = value if math.isfinite(value) else 0.0
    return told


def mean_speedups(problems: Sequence[ProblemComparison]) -> dict[str, float]:
    """Name → geometric mean of its speedups, of what leads in each of several problems.

    Empty for one problem, and where the problems' references are not of one name; without those
    whose mean is 0, infinite or neither.
    """
    references = {problem.reference.name for problem in problems if problem.reference}
    if not are_several(problems) or len(references) != 1:
        return {}
    found = {
        name: geometric_mean([row.speedup.ratio for row in rows if row.speedup])
        for name, rows in _in_all(problems).items()
        if all(row.speedup for row in rows)
    }
    return {name: mean for name, mean in found.items() if mean and math.isfinite(mean)}


def _in_all(problems: Sequence[ProblemComparison]) -> dict[str, list[SettingRow]]:
    """Name → its leading row in each problem, of those that have one in every problem."""
    leading = [{row.name: row for row in problem.rows if row.leads} for problem in problems]
    shared = [name for name in leading[0] if all(name in rows for rows in leading)]
    return {name: [rows[name] for rows in leading] for name in shared}
