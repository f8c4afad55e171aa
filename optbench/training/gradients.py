"""The loss of a batch and its gradients: by autograd, or by hand where that gives the same bits.

For a small network the bookkeeping of autograd costs about a seventh of a step. Plain chains of
linear layers, the networks of the tutorials, are differentiated here instead: the kernels that
autograd would call, in its order, without its graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from optbench.catalog.models.logistic import Logistic
from optbench.catalog.models.mlp import MLP

if TYPE_CHECKING:
    from collections.abc import Callable

    from optbench.training.build import Loss

    Gradients = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

ATEN = torch.ops.aten
MEAN, NO_TARGET = 1, -100  # as functional.cross_entropy asks of nll_loss


def gradients(model: nn.Module, loss: Loss) -> Gradients:
    """A function from inputs `[batch, *input_shape]` and targets `[batch]` to the batch's mean
    loss, 0-d, and the outputs `[batch, classes]`, both detached; it leaves the loss's gradient in
    `grad` of every parameter, in place of what was there.
    """
    if (
        isinstance(model, MLP | Logistic)
        and type(model) in (MLP, Logistic)  # a subclass may do anything
        and loss is functional.cross_entropy
        and all(type(layer) in LAYERS for layer in list(model)[1:])
        and all(p.device.type == "cpu" and p.requires_grad for p in model.parameters())
    ):
        return _ByHand(model)
    return _ByAutograd(model, loss)


class _ByAutograd:
    def __init__(self, model: nn.Module, loss: Loss) -> None:
        self.model = model
        self.loss = loss
        self.parameters = list(model.parameters())

    def __call__(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        for parameter in self.parameters:
            parameter.grad = None  # what zero_grad does, without its profiling hooks
        outputs = self.model(inputs)
        loss = self.loss(outputs, targets)
        torch.autograd.backward(loss)
        return loss.detach(), outputs.detach()


class _ByHand:
    """Cross-entropy of a chain of layers, and the chain rule from its end to its start."""

    def __init__(self, model: MLP | Logistic) -> None:
        _, first, *rest = model  # what flattens the inputs, and the first linear layer
        self.first = _Linear(cast("nn.Linear", first))
        self.rest: list[_Layer] = [LAYERS[type(layer)](layer) for layer in rest]

    @torch.no_grad()
    def __call__(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.first.forward(inputs.flatten(1))
        for layer in self.rest:
            outputs = layer.forward(outputs)
        log_p = ATEN._log_softmax.default(outputs, 1, False)
        loss, weight = ATEN.nll_loss_forward.default(log_p, targets, None, MEAN, NO_TARGET)
        gradient = ATEN.nll_loss_backward.default(
            torch.ones_like(loss), log_p, targets, None, MEAN, NO_TARGET, weight
        )
        gradient = ATEN._log_softmax_backward_data.default(gradient, log_p, 1, log_p.dtype)
        for layer in reversed(self.rest):
            gradient = layer.backward(gradient)
        self.first.differentiate(gradient)  # its inputs, the images, need no gradient
        return loss, outputs


class _Layer(Protocol):
    def forward(self, inputs: Tensor) -> Tensor: ...

    def backward(self, gradient: Tensor) -> Tensor:
        """The gradient at the inputs of the last `forward` from that at its outputs."""
        ...


class _Linear:
    """x Wᵀ + b for inputs x `[batch, in]`, weights W `[out, in]` and bias b `[out]`."""

    def __init__(self, layer: nn.Linear) -> None:
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, inputs: Tensor) -> Tensor:
        self.inputs = inputs
        return torch.addmm(self.bias, inputs, self.weight.t())

    def differentiate(self, gradient: Tensor) -> None:
        self.weight.grad = gradient.t().mm(self.inputs)
        self.bias.grad = gradient.sum(0)

    def backward(self, gradient: Tensor) -> Tensor:
        self.differentiate(gradient)
        return gradient.mm(self.weight)


class _Activation:
    """An activation in place, and its derivative from its own values."""

    def __init__(
        self, function: Callable[[Tensor], Tensor], derivative: Callable[[Tensor, Tensor], Tensor]
    ) -> None:
        self.function, self.derivative = function, derivative

    def forward(self, inputs: Tensor) -> Tensor:
        self.outputs = self.function(inputs)
        return self.outputs

    def backward(self, gradient: Tensor) -> Tensor:
        return self.derivative(gradient, self.outputs)


def _relu_backward(gradient: Tensor, outputs: Tensor) -> Tensor:
    return ATEN.threshold_backward.default(gradient, outputs, 0)  # type: ignore[no-any-return]


LAYERS: dict[type[nn.Module], Callable[[Any], _Layer]] = {
    nn.Linear: _Linear,
    nn.ReLU: lambda _: _Activation(torch.relu_, _relu_backward),
    nn.Tanh: lambda _: _Activation(torch.tanh_, ATEN.tanh_backward.default),
    nn.Sigmoid: lambda _: _Activation(torch.sigmoid_, ATEN.sigmoid_backward.default),
}
