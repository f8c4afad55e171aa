"""A model as training sees it: outputs to evaluate, and a batch's loss with its gradients.

By autograd, or by hand: for a small network autograd's bookkeeping costs a seventh of a step, and
its matrix products up to half of it. Plain chains of linear layers, the networks of the tutorials,
are differentiated here instead, by the kernels that autograd would call, in its order, with
`products` for its matrix products.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from optbench.catalog.models.logistic import Logistic
from optbench.catalog.models.mlp import MLP
from optbench.training.products import affine, input_gradient, weight_gradient

if TYPE_CHECKING:
    from collections.abc import Callable

    from optbench.training.build import Loss

ATEN = torch.ops.aten
MEAN, NO_TARGET = 1, -100  # as functional.cross_entropy asks of nll_loss


class Network(Protocol):
    """A model with its loss."""

    def outputs(self, inputs: Tensor) -> Tensor:
        """Outputs `[batch, classes]` in eval mode for inputs `[batch, *input_shape]`, detached."""
        ...

    def differentiate(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The mean loss of a batch, 0-d, and its outputs in train mode, both detached.

        Leaves the loss's gradient in `grad` of every parameter, in place of what was there.
        """
        ...


def network(model: nn.Module, loss: Loss) -> Network:
    """By hand where the model is one of the catalog's plain chains on the CPU, else by autograd."""
    if (
        isinstance(model, MLP | Logistic)
        and type(model) in (MLP, Logistic)  # a subclass may do anything
        and loss is functional.cross_entropy
        and all(type(layer) in LAYERS for layer in list(model)[1:])
        and all(p.device.type == "cpu" and p.requires_grad for p in model.parameters())
    ):
        return ByHand(model)
    return ByAutograd(model, loss)


class ByAutograd:
    """Any model and loss."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        self.model = model
        self.loss = loss
        self.parameters = list(model.parameters())

    @torch.no_grad()
    def outputs(self, inputs: Tensor) -> Tensor:
        self.model.eval()
        outputs: Tensor = self.model(inputs)
        self.model.train()
        return outputs

    def differentiate(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        for parameter in self.parameters:
            parameter.grad = None  # what zero_grad does, without its profiling hooks
        outputs = self.model(inputs)
        loss = self.loss(outputs, targets)
        torch.autograd.backward(loss)
        return loss.detach(), outputs.detach()


class ByHand:
    """Cross-entropy of a chain of layers, and the chain rule from its end to its start."""

    def __init__(self, model: MLP | Logistic) -> None:
        _, first, *rest = model  # what flattens the inputs, and the first linear layer
        self.first = _Linear(cast("nn.Linear", first))
        self.rest: list[_Layer] = [LAYERS[type(layer)](layer) for layer in rest]

    @torch.no_grad()
    def outputs(self, inputs: Tensor) -> Tensor:
        outputs = self.first.forward(inputs.flatten(1))
        for layer in self.rest:
            outputs = layer.forward(outputs)
        return outputs

    @torch.no_grad()
    def differentiate(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.outputs(inputs)
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
        return affine(inputs, self.weight, self.bias)

    def differentiate(self, gradient: Tensor) -> None:
        self.weight.grad = weight_gradient(gradient, self.inputs)
        self.bias.grad = gradient.sum(0)

    def backward(self, gradient: Tensor) -> Tensor:
        self.differentiate(gradient)
        return input_gradient(gradient, self.weight)


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
