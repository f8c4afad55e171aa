"""The convolutional network of MNIST-1D (Greydanus and Kobak 2020, arXiv:2011.14439)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from optbench.catalog.models.shapes import sequence_shape
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

KERNELS = (5, 3, 3)  # one a layer; stride 2, padding 1
SHORTEST = 3  # for the first kernel, with its padding


class Conv1d(nn.Sequential):
    """Sequences `[batch, channels, length]` to logits `[batch, classes]`.

    Three convolutions of `channels` maps, each with ReLU and half the length, and a linear layer.
    Raises `UsageError` for data that are no sequences, or too short.
    """

    def __init__(self, input_shape: Sequence[int], classes: int, channels: int = 25) -> None:
        depth, length = sequence_shape("conv1d", input_shape)
        if length < SHORTEST:
            raise UsageError(f"conv1d takes sequences from length {SHORTEST} on, got {length}")
        layers: list[nn.Module] = []
        for kernel in KERNELS:
            layers += [nn.Conv1d(depth, channels, kernel, stride=2, padding=1), nn.ReLU()]
            depth, length = channels, (length + 2 - kernel) // 2 + 1
        super().__init__(*layers, nn.Flatten(), nn.Linear(channels * length, classes))
