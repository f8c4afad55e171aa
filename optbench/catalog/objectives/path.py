"""An optimizer's path on an objective, and the surface below it, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

Point = tuple[float, float]


class Position(NamedTuple):
    """Where an optimizer is after so many steps: the value there, the gradient's norm without
    noise, and the learning rate of the step to come."""

    step: int
    x: float
    y: float
    value: float
    grad_norm: float
    lr: float


@dataclass(frozen=True)
class Path:
    """The positions of one optimizer from step 0 on, as far as it came.

    A diverged path ends with its last finite position. `family` is the optimizer that it is
    drawn as, such as momentum for SGD with momentum.
    """

    label: str
    family: str
    positions: tuple[Position, ...]
    diverged: bool


@dataclass(frozen=True)
class Surface:
    """Values on an even grid over a window, `values[row][column]`, the rows from the top down."""

    window: tuple[Point, Point]  # ends of x, ends of y
    values: tuple[tuple[float, ...], ...]
