"""Networks of a few numbers, for what trains several at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """Heads over rows `[batch, rows, width]`, blind to later ones, in plain matrix products."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.projections = nn.Linear(width, 3 * width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, rows: Tensor) -> Tensor:
        batch, length, width = rows.shape
        projected = self.projections(rows).reshape(batch, length, 3, self.heads, -1)
        queries, keys, values = projected.permute(2, 0, 3, 1, 4).unbind(0)
        scores = queries @ keys.transpose(-2, -1) / math.sqrt(width // self.heads)
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(later, -math.inf).softmax(-1)
        mixed: Tensor = self.dropout(weights) @ values
        return mixed.transpose(1, 2).flatten(2)


class Tied(nn.Module):
    """Two layers of one weight, another that the loss never sees, and one that is frozen."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.idle, self.frozen = nn.Linear(4, 2), nn.Linear(4, classes)
        self.frozen.requires_grad_(requires_grad=False)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.frozen(self.second(self.first(inputs).tanh()))
        return outputs
