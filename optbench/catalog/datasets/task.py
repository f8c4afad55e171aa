"""What a data set asks of a model: the shapes on both sides, and the losses that fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optbench.catalog.objectives.landscape import Landscape


@dataclass(frozen=True)
class Task:
    """To make outputs `[batch, *positions, classes]` of inputs `[batch, *input_shape]`.

    Targets are int64 `[batch, *positions]`, one of `classes` for each example or for each of its
    positions; or, where they are `numbers`, float32 `[batch, classes]`. `vocabulary` is how many
    token ids there are, where the inputs are those, as int64. The first of `losses` is taken
    where an experiment names none. `graded` says whether an output can be right or wrong: else
    there is no accuracy. `signs`: the numbers are ±1, and an output answers by its sign. On a
    `landscape` inputs are gradient noise, and a model's outputs are what is to be made small.
    """

    input_shape: tuple[int, ...]
    classes: int
    positions: tuple[int, ...] = ()
    vocabulary: int | None = None
    losses: tuple[str, ...] = ("cross_entropy",)
    graded: bool = True
    signs: bool = False
    landscape: Landscape | None = None

    @property
    def images(self) -> bool:
        """Whether inputs are images `[channels, height, width]`."""
        return len(self.input_shape) == 3 and self.vocabulary is None

    @property
    def numbers(self) -> bool:
        return "cross_entropy" not in self.losses

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (*self.positions, self.classes)

    @property
    def target_shape(self) -> tuple[int, ...]:
        return (self.classes,) if self.numbers else self.positions
