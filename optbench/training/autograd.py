"""A network by autograd: any model and loss, of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from optbench.training.build import Loss
    from optbench.training.network import Batch


class ByAutograd:
    """One model, as a plain training loop would call it."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        self.model = model
        self.own = not type(model).__module__.startswith("optbench.")
        self.loss = loss
        self.parameters = list(model.parameters())

    @torch.no_grad()
    def outputs(self, inputs: Tensor) -> list[Tensor]:
        self.model.eval()
        outputs = self._forward(inputs)
        self.model.train()
        return [outputs]

    def differentiate(self, batches: Sequence[Batch]) -> tuple[Tensor, Tensor]:
        ((inputs, targets),) = batches
        for parameter in self.parameters:
            parameter.grad = None  # what zero_grad does, without its profiling hooks
        outputs = self._forward(inputs)
        loss = self.loss(outputs, targets)
        torch.autograd.backward(loss)
        return loss.detach().unsqueeze(0), outputs.detach().unsqueeze(0)

    def _forward(self, inputs: Tensor) -> Tensor:
        # A model of one's own may change its inputs in place, and others get the same ones.
        outputs: Tensor = self.model(inputs.clone() if self.own else inputs)
        return outputs
