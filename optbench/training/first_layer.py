"""The first layer of a chain: runs of one seed share its inputs, which need no gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optbench.training.layers import Buffers, bias_gradients
from optbench.training.products import (
    affine,
    can_share,
    shared_affine,
    shared_weight_gradients,
    weight_gradient,
)
from optbench.training.slices import Slices, Stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn


class FirstLinear:
    """As `layers.Linear`, with one product for neighbours that have their inputs in common."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        self.layers = layers
        self.out = Buffers(len(layers), layers[0].weight.dtype)
        self._starts: list[int] = []
        self._groups: list[_Sharing] = []

    def forward(self, inputs: Sequence[Tensor]) -> Slices:
        """From each run's inputs `[batch, …]`; the same object where runs share it."""
        self._group(inputs)
        out = self.out.take(len(inputs[0]), self.layers[0].out_features)
        for start, group in zip(self._starts, self._groups, strict=True):
            group.forward(inputs[start].flatten(1), out)
        return out

    def differentiate(self, gradient: Slices) -> None:
        """Leave the gradients of weights and biases, from that at the outputs."""
        for layer, its in zip(self.layers, bias_gradients(gradient), strict=True):
            layer.bias.grad = its
        for group in self._groups:
            group.differentiate(gradient)

    def _group(self, inputs: Sequence[Tensor]) -> None:
        """Find neighbours that share their inputs: the same ones at each step, as a rule."""
        others = range(1, len(inputs))
        starts = [0, *(run for run in others if inputs[run] is not inputs[run - 1])]
        if starts != self._starts:
            ends = [*starts[1:], len(inputs)]
            self._starts = starts
            self._groups = [_Sharing(self.layers, *ends) for ends in zip(starts, ends, strict=True)]


class _Sharing:
    """Some neighbours of a cohort, whose inputs are the same."""

    def __init__(self, layers: Sequence[nn.Linear], start: int, end: int) -> None:
        self.place = slice(start, end)
        self.weights = [layer.weight for layer in layers[self.place]]
        self.biases: list[Tensor] = [layer.bias for layer in layers[self.place]]
        self.stack: Stack | None = None

    def forward(self, inputs: Tensor, out: Slices) -> None:
        weight = self.weights[0]
        self.inputs = inputs
        self.together = can_share(len(self.weights), len(inputs), *weight.shape, weight.dtype)
        if self.together:
            self.stack = self.stack or Stack(self.weights)
            self.stack.take_over()
            shared_affine(inputs, self.stack.whole, torch.cat(self.biases), out.whole[self.place])
            return
        for weight, bias, y in zip(self.weights, self.biases, out.runs[self.place], strict=True):
            affine(inputs, weight, bias, y)

    def differentiate(self, gradient: Slices) -> None:
        if self.together:
            found = shared_weight_gradients(gradient.whole[self.place], self.inputs)
            for weight, its in zip(self.weights, found.unbind(), strict=True):
                weight.grad = its
            return
        for weight, g in zip(self.weights, gradient.runs[self.place], strict=True):
            weight.grad = weight_gradient(g, self.inputs)
