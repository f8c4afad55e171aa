"""Tensors of several runs side by side, such that operating on all gives each its own bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

# Elements. Vector instructions take 16 or 32 at a time and end with single ones, which may round
# otherwise, and products round by the alignment of their operands: where each run's part begins
# at a multiple of this, the same elements fall to the same instructions in any cohort.
PITCH = 32


class Slices(NamedTuple):
    """`whole` `[runs, batch, width]` and its parts `[batch, width]`, which share its memory."""

    whole: Tensor
    runs: tuple[Tensor, ...]


def empty_slices(runs: int, batch: int, width: int, dtype: torch.dtype) -> Slices:
    """Uninitialized slices on the CPU."""
    pitch = -(-batch * width // PITCH) * PITCH
    memory = torch.empty(runs * pitch, dtype=dtype)
    whole = memory.as_strided((runs, batch, width), (pitch, width, 1))
    return Slices(whole, whole.unbind())


class Stack:
    """One parameter or buffer of several models, `[runs, …]`, and theirs, which are views of it.

    Another stack of some of them takes these over with the values that they have then.
    """

    def __init__(self, parts: Sequence[Tensor]) -> None:
        self.parts = parts
        self.whole = parts[0].detach().new_empty((len(parts), *parts[0].shape))
        self.slices = self.whole.unbind()
        self.take_over()

    def take_over(self) -> None:
        """Done again for an optimizer that gave a parameter new memory, not new values."""
        for part, view in zip(self.parts, self.slices, strict=True):
            if part.data_ptr() != view.data_ptr():
                with torch.no_grad():
                    view.copy_(part)
                part.data = view
