"""A small convolutional network in the manner of LeNet-5 (LeCun et al. 1998)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from optbench.catalog.models.shapes import image_shape
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class CNN(nn.Sequential):
    """Images `[batch, channels, height, width]` to logits `[batch, classes]`.

    Each of `channels` is a 3×3 convolution (same size), ReLU and 2×2 max-pooling; then one
    hidden layer of width `hidden`. Raises `UsageError` for data that are no images, or too
    small to be halved that often.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        classes: int,
        channels: Sequence[int] = (16, 32),
        hidden: int = 128,
        dropout: float = 0.0,
    ) -> None:
        depth, height, width = image_shape("cnn", input_shape)
        if min(height, width) < 2 ** len(channels):
            raise UsageError(
                f"cnn halves images {len(channels)} times; {height}×{width} is too small for that"
            )
        layers: list[nn.Module] = []
        for out in channels:
            layers += [nn.Conv2d(depth, out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            depth, height, width = out, height // 2, width // 2
        layers += [nn.Flatten(), nn.Linear(depth * height * width, hidden), nn.ReLU()]
        if dropout:
            layers.append(nn.Dropout(dropout))
        super().__init__(*layers, nn.Linear(hidden, classes))
