"""What `model: point` stands on: a function of some variables, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optbench.catalog.objectives.path import Point


@dataclass(frozen=True)
class Landscape:
    """The loss of an example ξ is h(θ) + ξ·(θ − m), m being the first of `minima`.

    `height` is the import path of what makes h, which is 0 at every minimum, of `arguments`; where
    it is empty, examples alone say where it is low. A run starts at `start`, or, where that is
    None, anywhere in `box`, which has the ends of each variable. A `bounded` one never leaves it.
    """

    height: str
    arguments: tuple[tuple[str, object], ...]
    minima: tuple[tuple[float, ...], ...]
    box: tuple[Point, ...]
    start: tuple[float, ...] | None
    bounded: bool = False
