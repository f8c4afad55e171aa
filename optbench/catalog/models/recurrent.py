"""What recurrent networks have in common: they read a sequence from its beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from optbench.catalog.models.shapes import sequence_shape, token_length

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Recurrent(nn.Module):
    """Sequences `[batch, channels, length]`, or token ids `[batch, length]`, to logits.

    They are `[batch, classes]` from the last state, or `[batch, length, classes]` from each where
    `positions` ask it. Tokens are embedded in as many numbers as there are `hidden` units.
    `layer` makes the recurrent layers for so many channels. Raises `UsageError`, which calls the
    model `name`, for data that are no sequences.
    """

    def __init__(
        self,
        name: str,
        layer: Callable[[int], nn.RNNBase],
        input_shape: Sequence[int],
        classes: int,
        vocabulary: int | None,
        positions: Sequence[int],
        hidden: int,
    ) -> None:
        if vocabulary is None:
            channels, _ = sequence_shape(name, input_shape)
        else:
            channels = hidden
            token_length(name, input_shape, vocabulary)
        super().__init__()
        self.at_each = bool(positions)
        self.embedding = None if vocabulary is None else nn.Embedding(vocabulary, hidden)
        self.recurrent = layer(channels)
        self.head = nn.Linear(hidden, classes)

    def forward(self, sequences: Tensor) -> Tensor:
        embed = self.embedding
        states, _ = self.recurrent(sequences.transpose(1, 2) if embed is None else embed(sequences))
        logits: Tensor = self.head(states if self.at_each else states[:, -1])
        return logits
