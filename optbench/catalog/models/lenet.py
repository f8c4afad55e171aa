"""LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998, section II.B)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from torch import nn

from optbench.catalog.models.shapes import image_shape
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

SIDE = 32  # pixels of the paper's input plane


class LeNet(nn.Sequential):
    """Images `[batch, channels, height, width]` of at most 32×32 to logits `[batch, classes]`.

    Smaller images are framed with zeros to 32×32, as the paper does with 28×28. As usual today,
    every map of the second convolution sees all of the first, subsampling is plain averaging
    (of the maximum where `activation` is relu), and the last layer is linear. Raises
    `UsageError` for other data.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        classes: int,
        activation: Literal["tanh", "relu"] = "tanh",
    ) -> None:
        channels, height, width = image_shape("lenet", input_shape)
        if max(height, width) > SIDE:
            raise UsageError(
                f"lenet takes images of at most {SIDE}×{SIDE}; the data are {height}×{width}"
            )
        bend, pool = (nn.Tanh, nn.AvgPool2d) if activation == "tanh" else (nn.ReLU, nn.MaxPool2d)
        super().__init__(
            nn.ZeroPad2d(_frame(width) + _frame(height)),
            nn.Conv2d(channels, 6, 5),  # to 28×28
            bend(),
            pool(2),
            nn.Conv2d(6, 16, 5),  # to 10×10
            bend(),
            pool(2),
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120),
            bend(),
            nn.Linear(120, 84),
            bend(),
            nn.Linear(84, classes),
        )


def _frame(side: int) -> tuple[int, int]:
    """Zeros before and after, to the side of the input plane."""
    before = (SIDE - side) // 2
    return before, SIDE - side - before
