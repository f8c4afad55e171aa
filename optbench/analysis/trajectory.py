"""What became of paths on an objective: how soon and how near they came to a minimum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.catalog.objectives.path import Path, Point, Position
    from optbench.catalog.trajectory import Trajectories


@dataclass(frozen=True)
class Outcome:
    """One path's end: the distance to the nearest global minimum, the value above the least.

    `steps` is the first step within the tolerance of a minimum; None if there was none.
    """

    path: Path
    steps: int | None
    distance: float
    gap: float

    @property
    def end(self) -> Position:
        return self.path.positions[-1]


def outcomes(trajectories: Trajectories, paths: Iterable[Path]) -> list[Outcome]:
    """Best first: who arrived soonest, then who ended nearest, then who diverged."""
    return sorted((_outcome(trajectories, path) for path in paths), key=_rank)


def _outcome(trajectories: Trajectories, path: Path) -> Outcome:
    objective = trajectories.objective
    end = path.positions[-1]
    return Outcome(
        path=path,
        steps=_arrival(path, objective.minima, trajectories.tolerance),
        distance=min(_apart(end, minimum) for minimum in objective.minima),
        gap=end.value - objective.least,
    )


def _arrival(path: Path, minima: Sequence[Point], tolerance: float) -> int | None:
    """None for a diverged path, whatever it passed on its way."""
    there = (
        position.step
        for position in path.positions
        if any(_apart(position, minimum) <= tolerance for minimum in minima)
    )
    return None if path.diverged else next(there, None)


def _apart(position: Position, point: Point) -> float:
    return math.dist((position.x, position.y), point)


def _rank(outcome: Outcome) -> tuple[bool, float, float]:
    steps = math.inf if outcome.steps is None else outcome.steps
    return outcome.path.diverged, steps, outcome.distance
