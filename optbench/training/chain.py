"""Chains of linear layers, the networks of the tutorials, of several runs at once, by hand.

For a small network autograd's bookkeeping costs as much as its arithmetic, and so does starting
each operation. Here autograd's kernels are called in its order, each elementwise one for all runs
together, with the bits that autograd gives each of them alone (`products` rounds large products
otherwise).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from optbench.catalog.models.logistic import Logistic
from optbench.catalog.models.mlp import MLP
from optbench.training.first_layer import FirstLinear
from optbench.training.layers import ATEN, Buffers, Layer, stacked
from optbench.training.log_softmax import LogSoftmax
from optbench.training.products import affine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.training.losses import Loss
    from optbench.training.network import Batch
    from optbench.training.slices import Slices

SUM, NO_TARGET = 2, -100  # as functional.cross_entropy asks of nll_loss

# Layers whose bits are known to be the same in any cohort: others have to show it first.
KNOWN = (
    nn.Linear,
    nn.ReLU,
    nn.Tanh,
    nn.Sigmoid,
    nn.GELU,
    nn.SiLU,
    nn.ELU,
    nn.LeakyReLU,
    nn.Dropout,
)  # fmt: skip


def is_chain(model: nn.Module, loss: Loss) -> bool:
    """Whether `Chain` can take such models: the catalog's own, all of it trained, on the CPU."""
    return (
        type(model) in (MLP, Logistic)  # a subclass may do anything
        and loss is functional.cross_entropy
        and all(_is_known(layer) for layer in list(cast("nn.Sequential", model))[1:])
        and all(p.device.type == "cpu" and p.requires_grad for p in model.parameters())
        and not any(_has_hooks(p) for p in model.parameters())
    )


def _has_hooks(parameter: nn.Parameter) -> bool:
    """Whether autograd would call somebody: an optimizer of one's own may ask for that."""
    return bool(parameter._backward_hooks or parameter._post_accumulate_grad_hooks)


def _is_known(layer: nn.Module) -> bool:
    return type(layer) in KNOWN and not (isinstance(layer, nn.Dropout) and layer.p >= 1)


class Chain:
    """Cross-entropy of chains of one shape, and the chain rule from their end to their start.

    `noise` has each run's generator, which its dropout draws from; `label_smoothing` is that of
    functional.cross_entropy.
    """

    def __init__(
        self,
        models: Sequence[nn.Module],
        noise: Sequence[torch.Generator],
        label_smoothing: float = 0.0,
    ) -> None:
        self.label_smoothing = label_smoothing
        self.models = [cast("nn.Sequential", model) for model in models]
        dtype = next(self.models[0].parameters()).dtype
        _, first, *rest = zip(*self.models, strict=True)  # the first flattens the inputs
        self.first = FirstLinear(cast("Sequence[nn.Linear]", first))
        layers = (stacked(column, noise, dtype) for column in rest)
        self.rest: list[Layer] = [layer for layer in layers if layer is not None]
        self.gradients = Buffers(len(models), dtype)
        self.parameters = [parameter for model in models for parameter in model.parameters()]

    @torch.no_grad()
    def outputs(self, inputs: Tensor) -> list[Tensor]:
        return [_evaluated(model, inputs.flatten(1)) for model in self.models]

    @torch.no_grad()
    def differentiate(self, batches: Sequence[Batch]) -> tuple[Tensor, Tensor]:
        for parameter in self.parameters:
            parameter.grad = None  # whose memory, still in cache, the next gradient then gets
        values = self.first.forward([inputs for inputs, _ in batches])
        for layer in self.rest:
            values = layer.forward(values)
        outputs = values.whole.clone()
        losses, gradient = self._cross_entropy(outputs, [targets for _, targets in batches])
        for layer in reversed(self.rest):
            gradient = layer.backward(gradient)
        self.first.differentiate(gradient)
        return losses, outputs

    def _cross_entropy(self, outputs: Tensor, targets: Sequence[Tensor]) -> tuple[Tensor, Slices]:
        """Mean losses `[runs]` of outputs `[runs, batch, classes]`, and the gradient at these."""
        _, batch, classes = outputs.shape
        softmax = LogSoftmax(outputs)
        log_p = softmax.values
        found = list(map(functional.nll_loss, log_p.unbind(), targets))
        gradient = ATEN.nll_loss_backward.default(
            _of_mean(1 - self.label_smoothing, batch, log_p.dtype),
            log_p.view(-1, classes),
            torch.cat(list(targets)),
            None,
            SUM,
            NO_TARGET,
            log_p.new_zeros(()),
        )
        if self.label_smoothing:
            share = self.label_smoothing / classes
            gradient.sub_(_of_mean(share, batch, log_p.dtype))
            found = [
                loss * (1 - self.label_smoothing) + run.sum(1).neg().sum().div(batch) * share
                for loss, run in zip(found, log_p.unbind(), strict=True)
            ]
        slices = self.gradients.take(batch, classes)
        slices.whole.copy_(softmax.backward(gradient.view_as(log_p)))
        return torch.stack(found), slices


@cache
def _of_mean(gradient: float, batch: int, dtype: torch.dtype) -> Tensor:
    """The gradient at each term of a mean over a batch, from that at the mean."""
    return torch.full((), gradient, dtype=dtype).div_(batch)


def _evaluated(model: nn.Sequential, values: Tensor) -> Tensor:
    """What a chain makes of flattened inputs, without its dropout."""
    for layer in list(model)[1:]:
        if isinstance(layer, nn.Linear):
            inputs, values = values, values.new_empty(len(values), layer.out_features)
            affine(inputs, layer.weight, layer.bias, values)
        elif not isinstance(layer, nn.Dropout):
            values = layer(values)
    return values
