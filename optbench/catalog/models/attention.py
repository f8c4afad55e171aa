"""What transformers are made of.

Attention is written with plain matrix products: torch's fused attention has no batching rule,
so that models which use it can't be trained side by side.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from optbench.errors import UsageError


class Block(nn.Module):
    """Attention, then two layers on each token; both normalized first and added to their input."""

    def __init__(self, width: int, heads: int, dropout: float, *, causal: bool = False) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads, causal=causal))
        self.layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.dropout(self.attention(tokens))
        updated: Tensor = tokens + self.dropout(self.layers(tokens))
        return updated


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, equation 1), `[batch, tokens, width]`.

    Where it is `causal`, a token attends to itself and to those before it.
    """

    def __init__(self, width: int, heads: int, *, causal: bool = False) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.projections = nn.Linear(width, 3 * width)  # queries, keys, values
        self.mixing = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, length, width = tokens.shape
        projected = self.projections(tokens).reshape(batch, length, 3, self.heads, -1)
        queries, keys, values = projected.permute(2, 0, 3, 1, 4).unbind(0)
        scores = queries @ keys.transpose(-2, -1) / math.sqrt(width // self.heads)
        if self.causal:
            scores = scores + scores.new_full((length, length), -math.inf).triu(1)
        mixed: Tensor = self.mixing((scores.softmax(-1) @ values).transpose(1, 2).flatten(2))
        return mixed


def check_heads(width: int, heads: int) -> None:
    """Raises `UsageError` where the heads don't divide the width."""
    if width % heads:
        raise UsageError(f"width must be a multiple of heads, got {width} and {heads}")
