"""Logistic regression on bags of words, as embeddings: each word has a number for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from optbench.catalog.models.shapes import token_length

if TYPE_CHECKING:
    from collections.abc import Sequence

PADDING = 0


class BagOfWords(nn.Module):
    """Word ids `[batch, length]` to logits `[batch, classes]`, whatever their order; 0 is no word.

    What the words of a text say is added (`sum`), or its mean taken. With `sparse` gradients a
    step touches the words of its batch alone: `sgd`, `adagrad` and `sparseadam` take them. Initial
    weights are as `logistic` has them for so many words. Raises `UsageError` for data that are no
    ids.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        classes: int,
        vocabulary: int | None = None,
        mode: Literal["sum", "mean"] = "sum",
        sparse: bool = False,
    ) -> None:
        _, vocabulary = token_length("bag-of-words", input_shape, vocabulary)
        super().__init__()
        self.words = nn.EmbeddingBag(
            vocabulary, classes, mode=mode, sparse=sparse, padding_idx=PADDING
        )
        # The bias is an embedding too: where gradients are sparse, all of them have to be.
        self.bias = nn.Embedding(1, classes, sparse=sparse)
        bound = vocabulary**-0.5
        with torch.no_grad():
            self.words.weight.uniform_(-bound, bound)[PADDING] = 0
            self.bias.weight.uniform_(-bound, bound)

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.words(ids) + self.bias(torch.zeros_like(ids[:, 0]))
        return logits
