"""Losses that torch has in another form: of outputs and targets of a batch, to their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


def cross_entropy_of_positions(
    outputs: Tensor, targets: Tensor, label_smoothing: float = 0.0
) -> Tensor:
    """Cross-entropy of outputs `[batch, …, classes]` and targets `[batch, …]`, over all of them."""
    return functional.cross_entropy(
        outputs.flatten(0, -2), targets.flatten(), label_smoothing=label_smoothing
    )


def value(outputs: Tensor, targets: Tensor) -> Tensor:  # noqa: ARG001 (there is nothing to hit)
    """The outputs are what to make small."""
    return outputs.mean()
