"""Tensors of several runs side by side, such that operating on all gives each its own bits."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

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
