"""The simple recurrent network (Elman 1990)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from torch import nn

from optbench.catalog.models.recurrent import Recurrent

if TYPE_CHECKING:
    from collections.abc import Sequence


class RNN(Recurrent):
    """`layers` of `hidden` units; inputs and outputs as `Recurrent` has them."""

    def __init__(
        self,
        input_shape: Sequence[int],
        classes: int,
        vocabulary: int | None = None,
        positions: Sequence[int] = (),
        hidden: int = 64,
        layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
    ) -> None:
        layer = partial(
            nn.RNN,
            hidden_size=hidden,
            num_layers=layers,
            nonlinearity=nonlinearity,
            batch_first=True,
        )
        super().__init__("rnn", layer, input_shape, classes, vocabulary, positions, hidden)
