"""Multinomial logistic regression."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence


class Logistic(nn.Sequential):
    """Flattened inputs `[batch, *input_shape]` to logits `[batch, classes]` by one linear layer."""

    def __init__(self, input_shape: Sequence[int], classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(math.prod(input_shape), classes))
