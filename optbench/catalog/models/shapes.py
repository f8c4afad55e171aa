"""What a model asks of the shape of its inputs, refused in words before anything trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def image_shape(model: str, input_shape: Sequence[int]) -> tuple[int, int, int]:
    """`(channels, height, width)`; raises `UsageError` for data that are no images."""
    if len(input_shape) != 3:
        shape = list(input_shape)
        raise UsageError(f"{model} needs images [channels, height, width]; the data are {shape}")
    channels, height, width = input_shape
    return channels, height, width


def sequence_shape(model: str, input_shape: Sequence[int]) -> tuple[int, int]:
    """`(channels, length)`; raises `UsageError` for data that are no sequences."""
    if len(input_shape) != 2:
        shape = list(input_shape)
        raise UsageError(f"{model} needs sequences [channels, length]; the data are {shape}")
    channels, length = input_shape
    return channels, length


def token_length(model: str, input_shape: Sequence[int], vocabulary: int | None) -> tuple[int, int]:
    """`(length, vocabulary)`; raises `UsageError` for data that are no token ids."""
    if vocabulary is None or len(input_shape) != 1:
        kind = "numbers" if vocabulary is None else "token ids"
        raise UsageError(
            f"{model} takes token ids [length]; the data are {kind} {list(input_shape)}"
        )
    return input_shape[0], vocabulary
