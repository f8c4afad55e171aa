"""Layers of several runs at once, differentiated by hand with autograd's own kernels.

Products go run by run; what is elementwise is one operation for all. Each layer keeps its buffers
for each batch size that it meets: an epoch has two, the last batch may be short.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch import Tensor, nn

from optbench.training.products import (
    affine,
    affine_each,
    can_batch,
    input_gradient,
    input_gradients,
    weight_gradient,
    weight_gradients,
)
from optbench.training.slices import PITCH, Slices, empty_slices

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ATEN = torch.ops.aten


class Layer(Protocol):
    """One layer of all runs."""

    def forward(self, inputs: Slices) -> Slices: ...

    def backward(self, gradient: Slices) -> Slices:
        """The gradient at the inputs of the last `forward` from that at its outputs.

        May use up the memory of what it is given.
        """
        ...


class Buffers:
    """Slices by batch size and width, made when first asked for."""

    def __init__(self, runs: int, dtype: torch.dtype) -> None:
        self.runs, self.dtype = runs, dtype
        self._made: dict[tuple[int, int], Slices] = {}

    def take(self, batch: int, width: int) -> Slices:
        key = batch, width
        if key not in self._made:
            self._made[key] = empty_slices(self.runs, batch, width, self.dtype)
        return self._made[key]


class Linear:
    """x Wᵀ + b for inputs x `[batch, in]`, weights W `[out, in]` and bias b `[out]` of each run."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        self.weights = [layer.weight for layer in layers]
        self.biases: list[Tensor] = [layer.bias for layer in layers]
        self.width, self.size = self.weights[0].shape
        self.dtype = self.weights[0].dtype
        self.out, self.back = (Buffers(len(layers), self.dtype) for _ in range(2))

    def forward(self, inputs: Slices) -> Slices:
        runs, batch, _ = inputs.whole.shape
        self.inputs = inputs
        self.together = can_batch(runs, batch, self.width, self.size, self.dtype)
        out = self.out.take(batch, self.width)
        if self.together:
            self.stacked = torch.stack(self.weights)
            affine_each(inputs.whole, self.stacked, torch.stack(self.biases), out.whole)
            return out
        for weight, bias, x, y in zip(
            self.weights, self.biases, inputs.runs, out.runs, strict=True
        ):
            affine(x, weight, bias, y)
        return out

    def backward(self, gradient: Slices) -> Slices:
        sums = bias_gradients(gradient)
        back = self.back.take(gradient.whole.shape[1], self.size)
        for bias, its in zip(self.biases, sums, strict=True):
            bias.grad = its
        if self.together:
            found = weight_gradients(gradient.whole, self.inputs.whole).unbind()
            input_gradients(gradient.whole, self.stacked, back.whole)
        else:
            found = tuple(map(weight_gradient, gradient.runs, self.inputs.runs))
            for g, weight, b in zip(gradient.runs, self.weights, back.runs, strict=True):
                input_gradient(g, weight, b)
        for weight, its in zip(self.weights, found, strict=True):
            weight.grad = its
        return back


def bias_gradients(gradient: Slices) -> Sequence[Tensor]:
    """`[out]` of each run, from that at the outputs; aligned, as an optimizer may round by that."""
    sums = gradient.whole.sum(1)
    if sums.shape[1] % PITCH == 0:
        return sums.unbind()
    copies: Sequence[Tensor] = ATEN.unbind_copy.int(sums)
    return copies


class FromOutputs:
    """An activation in place, whose derivative is a function of its values."""

    def __init__(
        self, function: Callable[[Tensor], object], derivative: Callable[..., object]
    ) -> None:
        self.function, self.derivative = function, derivative

    def forward(self, inputs: Slices) -> Slices:
        self.function(inputs.whole)
        self.outputs = inputs
        return inputs

    def backward(self, gradient: Slices) -> Slices:
        self.derivative(gradient.whole, self.outputs.whole, grad_input=gradient.whole)
        return gradient


class FromInputs:
    """An activation whose derivative is a function of what it was given.

    `together` says whether its kernel gives each run the same bits in any cohort.
    """

    def __init__(
        self,
        function: Callable[..., object],
        derivative: Callable[..., object],
        out: Buffers,
        *,
        together: bool = True,
    ) -> None:
        self.function, self.derivative, self.out = function, derivative, out
        self.together = together

    def forward(self, inputs: Slices) -> Slices:
        self.inputs = inputs
        out = self.out.take(*inputs.whole.shape[1:])
        for x, y in zip(self._parts(inputs), self._parts(out), strict=True):
            self.function(x, out=y)
        return out

    def backward(self, gradient: Slices) -> Slices:
        for g, x in zip(self._parts(gradient), self._parts(self.inputs), strict=True):
            self.derivative(g, x, grad_input=g)
        return gradient

    def _parts(self, slices: Slices) -> Sequence[Tensor]:
        return (slices.whole,) if self.together else slices.runs


class Dropout:
    """Zeroes each value with probability p, each run's drawn from its own generator."""

    def __init__(self, p: float, noise: Sequence[torch.Generator], dtype: torch.dtype) -> None:
        self.kept, self.noise = 1 - p, noise
        self.masks, self.out = Buffers(len(noise), dtype), Buffers(len(noise), dtype)

    def forward(self, inputs: Slices) -> Slices:
        self.mask = self.masks.take(*inputs.whole.shape[1:])
        for mask, generator in zip(self.mask.runs, self.noise, strict=True):
            mask.bernoulli_(self.kept, generator=generator)
        self.mask.whole.div_(self.kept)
        out = self.out.take(*inputs.whole.shape[1:])
        torch.mul(inputs.whole, self.mask.whole, out=out.whole)
        return out

    def backward(self, gradient: Slices) -> Slices:
        gradient.whole.mul_(self.mask.whole)
        return gradient


def stacked(
    layers: Sequence[nn.Module], noise: Sequence[torch.Generator], dtype: torch.dtype
) -> Layer | None:
    """The same layer of all runs as one; None for one that does nothing."""
    out = Buffers(len(layers), dtype)
    match layers[0]:
        case nn.Linear():
            return Linear(cast("Sequence[nn.Linear]", layers))
        case nn.Dropout(p=p):
            return Dropout(p, noise, dtype) if p else None
        case nn.GELU(approximate=kind):  # by oneDNN where memory has no gaps, else by torch
            function = partial(ATEN.gelu.out, approximate=kind)
            derivative = partial(ATEN.gelu_backward.grad_input, approximate=kind)
            return FromInputs(function, derivative, out, together=False)
        case nn.SiLU():
            return FromInputs(ATEN.silu.out, ATEN.silu_backward.grad_input, out)
        case nn.ELU(alpha=alpha):
            function = partial(ATEN.elu.out, alpha=alpha)
            return FromInputs(function, partial(_elu_backward, alpha), out)
        case nn.LeakyReLU(negative_slope=slope):
            function = partial(ATEN.leaky_relu.out, negative_slope=slope)
            return FromInputs(function, partial(_leaky_relu_backward, slope), out)
        case layer:
            return FromOutputs(*_IN_PLACE[type(layer)])


def _relu_backward(gradient: Tensor, outputs: Tensor, *, grad_input: Tensor) -> None:
    ATEN.threshold_backward.grad_input(gradient, outputs, 0, grad_input=grad_input)


def _elu_backward(alpha: float, gradient: Tensor, inputs: Tensor, *, grad_input: Tensor) -> None:
    of_result = False
    ATEN.elu_backward.grad_input(gradient, alpha, 1, 1, of_result, inputs, grad_input=grad_input)


def _leaky_relu_backward(
    slope: float, gradient: Tensor, inputs: Tensor, *, grad_input: Tensor
) -> None:
    of_result = False
    ATEN.leaky_relu_backward.grad_input(gradient, inputs, slope, of_result, grad_input=grad_input)


_IN_PLACE: dict[type[nn.Module], tuple[Callable[[Tensor], object], Callable[..., object]]] = {
    nn.ReLU: (torch.relu_, _relu_backward),
    nn.Tanh: (torch.tanh_, ATEN.tanh_backward.grad_input),
    nn.Sigmoid: (torch.sigmoid_, ATEN.sigmoid_backward.grad_input),
}
