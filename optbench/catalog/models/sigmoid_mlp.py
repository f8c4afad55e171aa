"""The tutorials' smallest network: sigmoids throughout, the output a probability."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence


class SigmoidMLP(nn.Sequential):
    """Flattened inputs `[batch, *input_shape]` to probabilities `[batch, classes]`, for `bce`.

    Each layer is linear and a sigmoid; one hidden layer of 4 on points of the plane is the
    tutorials' 2-4-1. Weights start as torch's own layers start theirs.
    """

    def __init__(
        self, input_shape: Sequence[int], classes: int, hidden: Sequence[int] = (4,)
    ) -> None:
        widths = [math.prod(input_shape), *hidden, classes]
        layers: list[nn.Module] = [nn.Flatten()]
        for width_in, width_out in itertools.pairwise(widths):
            layers += [nn.Linear(width_in, width_out), nn.Sigmoid()]
        super().__init__(*layers)
