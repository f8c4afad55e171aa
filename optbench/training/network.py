"""Models as training sees them: outputs to evaluate, and batches' losses with their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    Batch = tuple[Tensor, Tensor]  # inputs and targets, their shapes as `Task` has them


class Network(Protocol):
    """The models of one run or of several, with their loss."""

    def outputs(self, inputs: Tensor) -> Sequence[Tensor]:
        """Outputs `[batch, *output_shape]` of each run in eval mode, detached."""
        ...

    def differentiate(self, batches: Sequence[Batch]) -> tuple[Tensor, Tensor]:
        """Mean losses `[runs]` and outputs `[runs, batch, *output_shape]` in train mode, detached.

        One batch a run, all of one size. Leaves each loss's gradient in `grad` of every parameter
        of its model, in place of what was there.
        """
        ...
