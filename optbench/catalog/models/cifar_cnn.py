"""The convolutional network of PyTorch's tutorial "Training a Classifier", for CIFAR-10.

https://docs.pytorch.org/tutorials/beginner/blitz/cifar10_tutorial.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from optbench.catalog.models.shapes import image_shape
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALLEST = 16  # pixels; a smaller image has none left after the second pooling


class CifarCNN(nn.Sequential):
    """Images `[batch, channels, height, width]` to logits `[batch, classes]`.

    Twice 5×5 convolution, ReLU and 2×2 max-pooling (`channels` maps), then fully connected
    layers of widths `hidden`. Raises `UsageError` for data that are no images, or too small.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        classes: int,
        channels: tuple[int, int] = (6, 16),
        hidden: Sequence[int] = (120, 84),
    ) -> None:
        depth, height, width = image_shape("cifar-cnn", input_shape)
        if min(height, width) < SMALLEST:
            raise UsageError(
                f"cifar-cnn takes images from {SMALLEST}×{SMALLEST} on; the data are "
                f"{height}×{width}"
            )
        layers: list[nn.Module] = []
        for out in channels:
            layers += [nn.Conv2d(depth, out, 5), nn.ReLU(), nn.MaxPool2d(2)]
            depth, height, width = out, (height - 4) // 2, (width - 4) // 2
        layers.append(nn.Flatten())
        features = depth * height * width
        for size in hidden:
            layers += [nn.Linear(features, size), nn.ReLU()]
            features = size
        super().__init__(*layers, nn.Linear(features, classes))
