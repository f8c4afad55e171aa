"""Long short-term memory (Hochreiter and Schmidhuber 1997; forget gates: Gers et al. 2000)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torch import nn

from optbench.catalog.models.recurrent import Recurrent

if TYPE_CHECKING:
    from collections.abc import Sequence


class LSTM(Recurrent):
    """`layers` of `hidden` units; inputs and outputs as `Recurrent` has them."""

    def __init__(
        self,
        input_shape: Sequence[int],
        classes: int,
        vocabulary: int | None = None,
        positions: Sequence[int] = (),
        hidden: int = 128,
        layers: int = 1,
    ) -> None:
        layer = partial(nn.LSTM, hidden_size=hidden, num_layers=layers, batch_first=True)
        super().__init__("lstm", layer, input_shape, classes, vocabulary, positions, hidden)
