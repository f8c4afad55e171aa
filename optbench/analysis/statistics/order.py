"""What holds without a mean: medians, their order-statistic intervals and the sign test."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Median:
    """A median of `n` values, which may be infinite; no interval for fewer than six."""

    median: float
    low: float | None
    high: float | None
    n: int


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Median:
    """Median with its order-statistic interval [Thompson 1936]; values may be infinite.

    Where the middle two are −∞ and ∞ any number is a median, and 0 is given. ValueError for no
    values and for NaN.
    """
    if not values or any(map(math.isnan, values)):
        raise ValueError("a median needs values, none of them NaN")
    ordered = sorted(values)
    middle = _halfway(ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2])
    ranks = median_ranks(len(ordered), confidence)
    if ranks is None:
        return Median(middle, None, None, len(ordered))
    low, high = ranks
    return Median(middle, ordered[low - 1], ordered[high - 1], len(ordered))


@lru_cache(maxsize=256)
def median_ranks(n: int, confidence: float = CONFIDENCE) -> tuple[int, int] | None:
    """Ranks, from 1, between which the median lies with at least that confidence.

    None where even the smallest and the largest of n values don't reach it: below 6 at .95.
    """
    rank, below = 0, 0
    while (below := below + math.comb(n, rank)) <= (1 - confidence) / 2 * 2**n:
        rank += 1
    return (rank, n + 1 - rank) if rank else None


def sign_test_p(wins: int, losses: int) -> float:
    """Exact two-sided p of the sign test [Arbuthnott 1710]; ties don't count, 1 for none."""
    n = wins + losses
    as_few = sum(math.comb(n, k) for k in range(min(wins, losses) + 1))
    return min(1.0, 2 * as_few / (1 << n))


def _halfway(low: float, high: float) -> float:
    if low == high:
        return low
    return 0.0 if math.isinf(low) and math.isinf(high) else low + (high - low) / 2
