"""A text as examples of a character language model: at each position, which comes next?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.mapped import Mapped, is_map
from optbench.catalog.datasets.task import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def windows(ids: NDArray[np.int64], length: int) -> Examples:
    """Ids `[characters]` as inputs `[n, length]`, and as targets the same, one character on.

    Those of a memory map stay in their file.

    Windows don't overlap: every character but the first is to be predicted once, and what is left
    at the end never. n = (characters - 1) // length.
    """
    end = (len(ids) - 1) // length * length
    inputs, targets = (ids[start : start + end].reshape(-1, length) for start in (0, 1))
    if is_map(inputs) and is_map(targets):
        mapped = (Mapped.of(part, "int64").as_array() for part in (inputs, targets))
        return Examples(*mapped)
    return Examples(inputs.copy(), targets.copy())


def next_character(length: int, vocabulary: int) -> Task:
    """To predict, in windows of that length, each next one of so many characters."""
    return Task((length,), vocabulary, positions=(length,), vocabulary=vocabulary)
