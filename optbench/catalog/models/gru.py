"""A gated recurrent network over sequences (Cho et al. 2014, section 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from optbench.catalog.models.shapes import sequence_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class GRU(nn.Module):
    """Sequences `[batch, channels, length]` to logits `[batch, classes]`.

    One layer of `hidden` units reads the sequence from its beginning; a linear layer reads its
    last state. Raises `UsageError` for data that are no sequences.
    """

    def __init__(self, input_shape: Sequence[int], classes: int, hidden: int = 64) -> None:
        channels, _ = sequence_shape("gru", input_shape)
        super().__init__()
        self.recurrent = nn.GRU(channels, hidden, batch_first=True)
        self.head = nn.Linear(hidden, classes)

    def forward(self, sequences: Tensor) -> Tensor:
        states, _ = self.recurrent(sequences.transpose(1, 2))
        logits: Tensor = self.head(states[:, -1])
        return logits
