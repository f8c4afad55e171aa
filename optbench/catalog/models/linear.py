"""One linear layer: linear regression, and logistic regression where the loss takes logits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence


class Linear(nn.Sequential):
    """Flattened inputs `[batch, *input_shape]` to outputs `[batch, classes]`.

    `zeros` starts at 0 what otherwise starts as torch's own layer does.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        classes: int,
        bias: bool = True,
        zeros: bool = False,
    ) -> None:
        layer = nn.Linear(math.prod(input_shape), classes, bias=bias)
        if zeros:
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)
        super().__init__(nn.Flatten(), layer)
