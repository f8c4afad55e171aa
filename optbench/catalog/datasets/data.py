"""Examples as numpy holds them, in memory or in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from optbench.catalog.datasets.source import Stream
    from optbench.catalog.datasets.task import Task


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs `[n, *input_shape]` and their targets: classes `[n]`, int64 from 0, as a rule.

    uint8 inputs stand for value/255 and are scaled where they are used, on the device: a
    quarter of the bytes to move. float32 inputs are used as they are, and int64 ones, which are
    token ids. `Mapped` ones stay in their file until they are used. See `Task` for the other
    kinds of targets.
    """

    inputs: NDArray[np.uint8] | NDArray[np.float32] | NDArray[np.int64]
    targets: NDArray[np.int64] | NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.targets)

    def at(self, positions: NDArray[np.intp]) -> Examples:
        """The examples at `positions`, in that order, copied unless they stay in a file."""
        return Examples(self.inputs[positions], self.targets[positions])


@dataclass(frozen=True, eq=False)
class Data:
    """What a run trains and is evaluated on; `validation` is None where nothing is held out.

    `stream` draws the training examples of each epoch, in place of `train`, if it isn't None.
    `moments` are what all inputs are normalized with: a shift and a scale that fit an input.
    """

    train: Examples
    validation: Examples | None
    test: Examples
    task: Task
    ordered: bool = False
    stream: Stream | None = None
    moments: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
