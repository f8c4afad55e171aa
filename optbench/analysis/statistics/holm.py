"""Several settings against one reference: Holm's step-down procedure.

Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def holm_adjusted(ps: Sequence[float]) -> list[float]:
    """Adjusted p in the given order: p_(j) times m − j + 1, made monotone, at most 1."""
    m = len(ps)
    order = _from_smallest(ps)
    scaled = (min(1.0, ps[place] * (m - j)) for j, place in enumerate(order))
    return _in_given_order(order, list(accumulate(scaled, max)))


def holm_levels(ps: Sequence[float], alpha: float) -> list[float]:
    """The level that each p is compared with, in the given order.

    α/(m − j + 1) for the j-th smallest, up to the first that fails; the rest share its level.
    So p ≤ level exactly where Holm rejects, and an interval at that level tells the same.
    """
    m, stopped = len(ps), False
    order, levels = _from_smallest(ps), list[float]()
    for j, place in enumerate(order):
        levels.append(levels[-1] if stopped else alpha / (m - j))
        stopped = ps[place] > levels[-1]
    return _in_given_order(order, levels)


def holm_rejected(ps: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses are rejected, in the given order."""
    return [p <= level for p, level in zip(ps, holm_levels(ps, alpha), strict=True)]


def _from_smallest(ps: Sequence[float]) -> list[int]:
    return sorted(range(len(ps)), key=ps.__getitem__)


def _in_given_order(order: Sequence[int], values: Sequence[float]) -> list[float]:
    return [value for _, value in sorted(zip(order, values, strict=True))]
