"""Several models of one architecture as one, by vmap over their stacked parameters and buffers.

For GPUs, where many small kernels cost more than few large ones: nothing here waits for the device.
After torch's tutorial "Model ensembling", with autograd around vmap: a parameter that the loss
doesn't use gets no gradient, as in a plain loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.func import functional_call, vmap

from optbench.training.slices import Stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from optbench.training.losses import Loss
    from optbench.training.network import Batch

    State = dict[str, Tensor]  # parameters and buffers by name


class Vmapped:
    """Models that `vmap_refusal.refusal` has nothing against, with their loss.

    Takes over their parameters and buffers: each becomes a view of its slice of `[runs, …]`, so
    that an optimizer's step on a model steps the slice. Another one, made of some of the models,
    takes these over with the values that they have then, and leaves the rest alone.
    """

    def __init__(self, models: Sequence[nn.Module], loss: Loss) -> None:
        self.template = models[0]  # its code runs, on everybody's parameters
        self.loss = loss
        self.parameters = [
            _Stack(name, [model.get_parameter(name) for model in models])
            for name, _ in self.template.named_parameters()
        ]
        self.buffers = [
            _Stack(name, [model.get_buffer(name) for model in models])
            for name, _ in self.template.named_buffers()
        ]

    @torch.no_grad()
    def outputs(self, inputs: Tensor) -> Sequence[Tensor]:
        self.template.eval()
        outputs: Tensor = vmap(self._forward, (0, None))(self._state(), inputs)
        self.template.train()
        return outputs.unbind()

    def differentiate(self, batches: Sequence[Batch]) -> tuple[Tensor, Tensor]:
        inputs, inputs_dim = _together([inputs for inputs, _ in batches])
        targets, targets_dim = _together([targets for _, targets in batches])
        mapped = vmap(self._forward_and_loss, (0, inputs_dim, targets_dim))
        losses, outputs = mapped(self._state(), inputs, targets)
        torch.autograd.backward(losses.sum())  # no loss depends on another run's parameters
        for parameter in self.parameters:
            parameter.hand_out_gradients()
        return losses.detach(), outputs.detach()

    def _forward(self, state: State, inputs: Tensor) -> Tensor:
        outputs: Tensor = functional_call(self.template, state, (inputs,))
        return outputs

    def _forward_and_loss(
        self, state: State, inputs: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        outputs = self._forward(state, inputs)
        return self.loss(outputs, targets), outputs

    def _state(self) -> State:
        stacks = [*self.parameters, *self.buffers]
        for stack in stacks:
            stack.take_over()
        return {stack.name: stack.whole for stack in stacks}


class _Stack(Stack):
    """A parameter or buffer by its name, with its gradient."""

    def __init__(self, name: str, parts: Sequence[Tensor]) -> None:
        super().__init__(parts)
        self.name = name
        self.whole.requires_grad_(parts[0].requires_grad)

    def hand_out_gradients(self) -> None:
        """Each run's slice to its parameter; takes the stack's own, so that none add up."""
        whole, self.whole.grad = self.whole.grad, None
        gradients = [None] * len(self.parts) if whole is None else whole.unbind()
        for part, gradient in zip(self.parts, gradients, strict=True):
            part.grad = gradient


def _together(tensors: Sequence[Tensor]) -> tuple[Tensor, int | None]:
    """One tensor for all runs, and its dimension of runs: None where they share theirs."""
    if all(tensor is tensors[0] for tensor in tensors):
        return tensors[0], None
    return torch.stack(tuple(tensors)), 0
