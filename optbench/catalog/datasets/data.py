"""Labelled examples in memory, as numpy holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs `[n, *input_shape]` and their classes `[n]`, int64 from 0.

    uint8 inputs stand for value/255 and are scaled where they are used, on the device: a
    quarter of the bytes to move. float32 inputs are used as they are.
    """

    inputs: NDArray[np.uint8] | NDArray[np.float32]
    targets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.targets)

    def at(self, positions: NDArray[np.intp]) -> Examples:
        """The examples at `positions`, in that order, copied."""
        return Examples(self.inputs[positions], self.targets[positions])


@dataclass(frozen=True, eq=False)
class Data:
    """What a run trains and is evaluated on; `validation` is None where nothing is held out."""

    train: Examples
    validation: Examples | None
    test: Examples
    classes: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input, such as (1, 28, 28)."""
        return self.train.inputs.shape[1:]
