"""A tiny vision transformer (Dosovitskiy et al. 2021, "An Image Is Worth 16x16 Words")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from optbench.catalog.models.attention import Block, check_heads
from optbench.catalog.models.shapes import image_shape
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class ViT(nn.Module):
    """Images `[batch, channels, height, width]` to logits `[batch, classes]`.

    Square patches of side `patch` are the tokens; the paper's class token is replaced by the mean
    over all tokens, which does as well (Beyer, Zhai, Kolesnikov 2022). `depth` blocks of `heads`
    attention heads, `width` features a token. Raises `UsageError` where the patches don't tile
    the image, or the heads don't divide the width.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        classes: int,
        patch: int = 4,
        width: int = 64,
        depth: int = 4,
        heads: int = 4,
        dropout: float = 0.0,
    ) -> None:
        channels, height, image_width = image_shape("vit", input_shape)
        if height % patch or image_width % patch:
            raise UsageError(
                f"vit cuts images into patches of {patch}×{patch}; the data are "
                f"{height}×{image_width}"
            )
        check_heads(width, heads)
        super().__init__()
        tokens = (height // patch) * (image_width // patch)
        self.patch = patch
        self.embedding = nn.Linear(channels * patch * patch, width)
        self.positions = nn.Parameter(torch.randn(tokens, width) * 0.02)
        self.blocks = nn.Sequential(*(Block(width, heads, dropout) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.embedding(_patches(images, self.patch)) + self.positions
        logits: Tensor = self.head(self.norm(self.blocks(tokens)).mean(dim=1))
        return logits


def _patches(images: Tensor, side: int) -> Tensor:
    """`[batch, channels, height, width]` to `[batch, patches, channels · side²]`, row by row."""
    batch, channels, height, width = images.shape
    tiles = images.reshape(batch, channels, height // side, side, width // side, side)
    return tiles.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
