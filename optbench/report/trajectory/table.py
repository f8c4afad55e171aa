"""What became of the paths: a table, its closing sentence, and every position as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.config.spec import format_value
from optbench.report import numbers
from optbench.report.table import Cell, Column, Table, cell
from optbench.report.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.analysis.trajectory import Outcome
    from optbench.catalog.objectives.path import Path, Point
    from optbench.catalog.trajectory import Trajectories


def title(trajectories: Trajectories) -> str:
    """`bowl · condition 10 · lr=0.1`."""
    name, *arguments = trajectories.resolved.values()
    keys = list(trajectories.resolved)[1:]
    told = [f"{key} {format_value(value)}" for key, value in zip(keys, arguments, strict=True)]
    lr = [] if trajectories.lr is None else [f"lr={format_value(trajectories.lr)}"]
    return " · ".join([str(name), *told, *lr])


def remarks(trajectories: Trajectories) -> list[str]:
    """`200 steps from (1, 1)`, and the noise."""
    steps = f"{trajectories.steps:,} step{'s' if trajectories.steps > 1 else ''}"
    noise = f"gradient noise {format_value(trajectories.noise)} (seed {trajectories.seed})"
    return [f"{steps} from {place(trajectories.start)}", *([noise] if trajectories.noise else [])]


def place(point: Point) -> str:
    """`(3, 0.5)`, in four significant digits."""
    return f"({', '.join(f'{number:.4g}' for number in point)})".replace("-", numbers.MINUS)


def outcome_table(trajectories: Trajectories, found: Sequence[Outcome]) -> Table:
    """A row an optimizer, best first."""
    tolerance = format_value(trajectories.tolerance)
    columns = (
        Column("optimizer", "optimizer"),
        Column("steps", f"steps to {tolerance}", "right"),
        Column("distance", "distance", "right"),
        Column("gap", "above minimum", "right"),
        Column("x", "x", "right", drop=1),
        Column("y", "y", "right", drop=1),
        Column("diverged", ""),
    )
    heading = " · ".join([title(trajectories), *remarks(trajectories)])
    notes = (
        f"steps to {tolerance}: the first within that distance of a minimum; distance, above "
        f"minimum, x and y: at the end.",
    )
    return Table(columns, (tuple(map(_row, found)),), heading, notes)


def _row(outcome: Outcome) -> tuple[Cell, ...]:
    steps = "never" if outcome.steps is None else f"{outcome.steps:,}"
    diverged = outcome.path.diverged
    fate = f"diverged at step {outcome.end.step + 1:,}" if diverged else ""
    return (
        cell(outcome.path.label),
        cell(outcome.steps, steps),
        cell(outcome.distance, numbers.loss(outcome.distance)),
        cell(outcome.gap, numbers.loss(outcome.gap)),
        cell(outcome.end.x, numbers.loss(outcome.end.x)),
        cell(outcome.end.y, numbers.loss(outcome.end.y)),
        Cell(fate, diverged, alarming=diverged),
    )


def closing(trajectories: Trajectories, found: Sequence[Outcome]) -> str:
    """Who was there first, or that nobody was."""
    best, tolerance = found[0], format_value(trajectories.tolerance)
    if best.path.diverged:
        return "Every path diverged: try smaller learning rates."
    away = f"{numbers.loss(best.distance)} away"
    if best.steps is None:
        nearest = f"{best.path.label} ends nearest to one, {away}"
        return f"None came within {tolerance} of a minimum; {nearest}."
    first = [one.path.label for one in found if one.steps == best.steps]
    left = best.distance > trajectories.tolerance and len(first) == 1
    return (
        f"{listed(first)} {'is' if len(first) == 1 else 'are'} first within {tolerance} of a "
        f"minimum: after {best.steps:,} step{'' if best.steps == 1 else 's'}"
        f"{f', but ends {away} again' if left else ''}."
    )


def position_table(paths: Iterable[Path]) -> Table:
    """Every position of every path."""
    keys = ("optimizer", "step", "x", "y", "value", "grad_norm", "lr")
    rows = tuple(
        (cell(path.label), *(cell(number) for number in position))
        for path in paths
        for position in path.positions
    )
    return Table(tuple(Column(key, key) for key in keys), (rows,))
