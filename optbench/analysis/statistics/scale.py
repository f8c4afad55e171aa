"""Keeps squares of very large and very small differences finite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[Any]


def near_one(rows: Floats) -> Floats:
    """Each row of [trials, values] by a power of two, its largest below one: no digit changes."""
    import numpy as np

    _, exponents = np.frexp(np.abs(rows).max(axis=1, keepdims=True))
    return np.asarray(np.ldexp(rows, -exponents))
