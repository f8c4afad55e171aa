"""Trajectories for tests of what is told and drawn of them: paths written down, not computed."""

from __future__ import annotations

from optbench.catalog.objectives.path import Path, Position, Surface
from optbench.catalog.trajectory import Trajectories, load_trajectories


def sphere(*settings: str) -> Trajectories:
    """The sphere, with its minimum 0 at (0, 0)."""
    return load_trajectories("sphere", settings)


def walked(label: str, *places: tuple[float, float], diverged: bool = False) -> Path:
    """A path over these places of the sphere."""
    positions = (
        Position(step, x, y, x * x + y * y, 2 * (x * x + y * y) ** 0.5, 0.1)
        for step, (x, y) in enumerate(places)
    )
    return Path(label, label.split()[0], tuple(positions), diverged)


def ground(cells: int = 64) -> Surface:
    """The sphere over its window of ±5."""
    middles = [10 * (cell + 0.5) / cells - 5 for cell in range(cells)]
    values = tuple(tuple(x * x + y * y for x in middles) for y in reversed(middles))
    return Surface(((-5.0, 5.0), (-5.0, 5.0)), values)


STRAIGHT = walked("sgd", (3, 0), (1, 0), (0.005, 0))
FAR = walked("momentum", (3, 0), (4, 0), (-300, 0), diverged=True)
NEAR = walked("adam", (3, 0), (2, 0), (1, 1))
