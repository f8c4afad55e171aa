"""A network by autograd: any model and loss, of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from optbench.training.precision import autocast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from optbench.training.losses import Loss
    from optbench.training.network import Batch
    from optbench.training.precision import Amp


class ByAutograd:
    """One model, as a plain training loop would call it."""

    def __init__(self, model: nn.Module, loss: Loss, amp: Amp | None = None) -> None:
        self.model = model
        self.amp = amp
        self.own = not type(model).__module__.startswith("optbench.")
        on_cpu = all(parameter.device.type == "cpu" for parameter in model.parameters())
        convolves = any(isinstance(module, nn.Conv2d) for module in model.modules())
        self.channels_last = on_cpu and convolves and not self.own
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
        torch.autograd.backward(loss if self.amp is None else self.amp.scaled(loss))
        return loss.detach().unsqueeze(0), outputs.detach().unsqueeze(0)

    def _forward(self, inputs: Tensor) -> Tensor:
        with autocast(self.amp):
            return self._called(inputs)

    def _called(self, inputs: Tensor) -> Tensor:
        # A model of one's own may change its inputs in place, and others get the same ones.
        if self.own:
            inputs = inputs.clone()
        elif self.channels_last:
            inputs = _channels_last(inputs)
        outputs: Tensor = self.model(inputs)
        return outputs


def _channels_last(images: Tensor) -> Tensor:
    """Images `[batch, channels, height, width]` with a pixel's channels side by side in memory.

    On the CPU convolutions and pooling keep to that, and take 0.6 to 1 of their time. torch's own
    `memory_format` leaves images of one channel as they are, and what comes after them.
    """
    _, channels, height, width = images.shape
    strides = channels * height * width, 1, width * channels, channels
    return images.new_empty_strided(images.shape, strides).copy_(images)
