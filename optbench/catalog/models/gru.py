"""A gated recurrent network over sequences (Cho et al. 2014, section 2.3)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torch import nn

from optbench.catalog.models.recurrent import Recurrent

if TYPE_CHECKING:
    from collections.abc import Sequence


class GRU(Recurrent):
    """One layer of `hidden` units; inputs and outputs as `Recurrent` has them."""

    def __init__(
        self,
        input_shape: Sequence[int],
        classes: int,
        vocabulary: int | None = None,
        positions: Sequence[int] = (),
        hidden: int = 64,
    ) -> None:
        layer = partial(nn.GRU, hidden_size=hidden, batch_first=True)
        super().__init__("gru", layer, input_shape, classes, vocabulary, positions, hidden)
