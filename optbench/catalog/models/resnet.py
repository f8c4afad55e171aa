"""ResNet-18 for small images (He, Zhang, Ren, Sun 2016, "Deep Residual Learning").

The stem is a 3×3 convolution without pooling instead of the 7×7 one for ImageNet, as in the
paper's section 4.2 on CIFAR-10; the four stages of two blocks are those of its table 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from optbench.catalog.models.shapes import image_shape
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALLEST = 8  # pixels: halved three times


class ResNet18(nn.Module):
    """Images `[batch, channels, height, width]` to logits `[batch, classes]`.

    `width` is the number of maps of the first stage; each of the three others has twice as many
    as the one before, at half the resolution. Raises `UsageError` for data that are no images,
    or smaller than 8×8.
    """

    def __init__(self, input_shape: Sequence[int], classes: int, width: int = 64) -> None:
        channels, height, image_width = image_shape("resnet18", input_shape)
        if min(height, image_width) < SMALLEST:
            raise UsageError(
                f"resnet18 halves images three times and takes them from {SMALLEST}×{SMALLEST} "
                f"on; the data are {height}×{image_width}"
            )
        super().__init__()
        self.stem = nn.Sequential(_conv3x3(channels, width), nn.BatchNorm2d(width), nn.ReLU())
        self.stages = nn.Sequential(
            _stage(width, width, stride=1),
            _stage(width, 2 * width, stride=2),
            _stage(2 * width, 4 * width, stride=2),
            _stage(4 * width, 8 * width, stride=2),
        )
        self.head = nn.Linear(8 * width, classes)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.stages(self.stem(images))
        logits: Tensor = self.head(maps.mean(dim=(2, 3)))
        return logits


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut (the paper's figure 5, left)."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            _conv3x3(channels, out, stride),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            _conv3x3(out, out),
            nn.BatchNorm2d(out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if channels != out:  # the paper's option B
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, maps: Tensor) -> Tensor:
        summed: Tensor = self.residual(maps) + self.shortcut(maps)
        return summed.relu()


def _stage(channels: int, out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(channels, out, stride), BasicBlock(out, out, stride=1))


def _conv3x3(channels: int, out: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 3, stride, padding=1, bias=False)
