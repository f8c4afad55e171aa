"""A small transformer over tokens (Vaswani et al. 2017; a decoder alone, as Radford et al. 2018).

Layers are normalized before they are applied (Xiong et al. 2020), and positions are learned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from optbench.catalog.models.attention import Block, check_heads
from optbench.catalog.models.shapes import token_length

if TYPE_CHECKING:
    from collections.abc import Sequence

STD = 0.02  # of initial embeddings (Radford et al. 2018)


class Transformer(nn.Module):
    """Token ids `[batch, length]` to logits, `[batch, length, classes]` where `positions` ask it.

    Else `[batch, classes]`, at the last token. Attention is causal: what is answered at a token
    depends on none that comes later. `depth` blocks of `heads` attention heads, `width` features
    a token. Raises `UsageError` for data that are no tokens.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        classes: int,
        vocabulary: int | None = None,
        positions: Sequence[int] = (),
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        dropout: float = 0.0,
    ) -> None:
        length, vocabulary = token_length("transformer", input_shape, vocabulary)
        check_heads(width, heads)
        super().__init__()
        self.at_each = bool(positions)
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=STD)
        self.positions = nn.Parameter(torch.randn(length, width) * STD)
        blocks = (Block(width, heads, dropout, causal=True) for _ in range(depth))
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, ids: Tensor) -> Tensor:
        tokens = self.norm(self.blocks(self.embedding(ids) + self.positions))
        logits: Tensor = self.head(tokens if self.at_each else tokens[:, -1])
        return logits
