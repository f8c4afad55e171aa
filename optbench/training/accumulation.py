"""The gradient of a step that goes over several batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn


class MeanGradient:
    """The mean of batches' gradients, each example counting once, in memory of its own."""

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters = parameters
        self.sums: list[Tensor | None] = [None] * len(parameters)

    @torch.no_grad()
    def add(self, share: float) -> None:
        """Take in the gradients that the parameters hold, of a batch with that share of examples.

        A parameter that no batch's loss uses stays without one, as in a plain loop.
        """
        for index, parameter in enumerate(self.parameters):
            gradient, total = parameter.grad, self.sums[index]
            if gradient is None:
                continue
            if total is None:
                self.sums[index] = gradient * share
            else:
                total.add_(gradient, alpha=share)

    def hand_out(self) -> None:
        """Leave the mean in `grad` of each parameter."""
        for parameter, total in zip(self.parameters, self.sums, strict=True):
            parameter.grad = total
