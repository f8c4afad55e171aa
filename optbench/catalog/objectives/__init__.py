"""Objectives by name: test functions of two variables, and what is known of them.

The registry holds no formula, so that listing and checking need no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.catalog.entry import Entry
from optbench.catalog.rules import AT_LEAST_ONE, GREATER_THAN_ZERO

if TYPE_CHECKING:
    from optbench.catalog.objectives.path import Point
    from optbench.catalog.rules import Rule

_FORMULAS = "optbench.catalog.objectives.formulas"
_LOWEST = -2.903534027771177  # root of 4x³ − 32x + 5 (Styblinski & Tang 1990)

RULES: dict[str, Rule] = {"condition": AT_LEAST_ONE, "steepness": GREATER_THAN_ZERO}


@dataclass(frozen=True)
class Objective(Entry):
    """All global minima and the value there, the usual start, and the window of x and y shown."""

    minima: tuple[Point, ...] = ((0.0, 0.0),)
    least: float = 0.0
    start: Point = (0.0, 0.0)
    window: tuple[Point, Point] = ((-5.0, 5.0), (-5.0, 5.0))


def _square(end: float) -> tuple[Point, Point]:
    return ((-end, end), (-end, end))


OBJECTIVES: dict[str, Objective] = {
    "sphere": Objective(
        f"{_FORMULAS}:sphere",
        "a round bowl (De Jong 1975)",
        start=(-4.0, 3.0),
        window=_square(5.0),
    ),
    "bowl": Objective(
        f"{_FORMULAS}:bowl",
        "an elongated bowl of a chosen condition number",
        start=(-4.5, 2.5),
        window=((-5.0, 5.0), (-3.5, 3.5)),
    ),
    "ravine": Objective(
        f"{_FORMULAS}:ravine",
        "a narrow bowl along the diagonal, of a chosen condition number",
        start=(-4.0, -3.0),
        window=_square(5.0),
    ),
    "rosenbrock": Objective(
        f"{_FORMULAS}:rosenbrock",
        "a banana-shaped valley (Rosenbrock 1960)",
        minima=((1.0, 1.0),),
        start=(-1.2, 1.0),
        window=((-2.0, 2.0), (-1.0, 3.0)),
    ),
    "beale": Objective(
        f"{_FORMULAS}:beale",
        "flat, with steep corners (Beale 1958)",
        minima=((3.0, 0.5),),
        start=(1.0, 1.5),
        window=((-0.5, 4.5), (-2.0, 2.5)),
    ),
    "booth": Objective(
        f"{_FORMULAS}:booth",
        "an elongated, turned bowl off the centre",
        minima=((1.0, 3.0),),
        start=(-6.0, -4.0),
        window=_square(10.0),
    ),
    "himmelblau": Objective(
        f"{_FORMULAS}:himmelblau",
        "four minima of the same depth (Himmelblau 1972)",
        minima=(
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.283185991286170),
            (3.584428340330492, -1.848126526964404),
        ),
        start=(0.0, 0.0),
        window=_square(5.0),
    ),
    "rastrigin": Objective(
        f"{_FORMULAS}:rastrigin",
        "a local minimum near every whole point (Rastrigin 1974)",
        start=(-3.3, 2.3),
        window=_square(5.12),
    ),
    "ackley": Objective(
        f"{_FORMULAS}:ackley",
        "a funnel full of local minima (Ackley 1987)",
        start=(-3.3, 2.3),
        window=_square(5.0),
    ),
    "styblinski-tang": Objective(
        f"{_FORMULAS}:styblinski_tang",
        "four minima, one of them the lowest (Styblinski & Tang 1990)",
        minima=((_LOWEST, _LOWEST),),
        least=-78.33233140754282,
        start=(0.5, -0.5),
        window=_square(5.0),
    ),
    "saddle": Objective(
        f"{_FORMULAS}:saddle",
        "a saddle point between two minima (Nesterov 2004, example 1.2.2)",
        minima=((0.0, -1.0), (0.0, 1.0)),
        least=-0.25,
        start=(-1.8, 0.001),
        window=((-2.0, 2.0), (-1.6, 1.6)),
    ),
    "plateau": Objective(
        f"{_FORMULAS}:plateau",
        "a hole in a plain, where gradients vanish",
        start=(-2.5, 2.0),
        window=_square(4.0),
    ),
}
