"""How many pairs a verdict needs, and what a number of pairs can show.

A verdict needs p ≤ α/m of both the paired t test and the sign flips. The t test's power is
that of the noncentral t distribution; sign flips ask for one pair more where pairs are few,
and cannot decide at all below `fewest_pairs` (docs/statistics.md).
"""

from __future__ import annotations

import math
from functools import lru_cache

FLIPS_LAG_BELOW = 12  # pairs: there the sign flips need one more than the t test
LARGEST = 2**40  # pairs: beyond, no number is worth printing
POWER = 0.8


def fewest_pairs(alpha: float, m: int = 1) -> int:
    """The fewest pairs whose smallest p, 2/2^n, is at most α/m; 6 for α = .04 and m = 1."""
    return max(1, math.ceil(math.log2(2 * m / alpha)))


def seeds_needed(d: float, alpha: float, m: int = 1, power: float = POWER) -> int | None:
    """Pairs that show an effect of `d` = |mean|/s with that power.

    None where no number does: d = 0, or so near it that 2^40 are too few.
    """
    if not abs(d) > 0:
        return None
    needed = _t_pairs(abs(d), alpha / m, power)
    if needed is None:
        return None
    return max(fewest_pairs(alpha, m), needed + (needed < FLIPS_LAG_BELOW))


@lru_cache(maxsize=1024)
def shown_effect(n: int, alpha: float, m: int = 1, power: float = POWER) -> float:
    """The smallest |mean|/s that n pairs show with that power: `seeds_needed` turned round.

    Infinite below `fewest_pairs`.
    """
    if n < max(fewest_pairs(alpha, m), 3):
        return math.inf
    pairs = n if n >= FLIPS_LAG_BELOW else n - 1
    low, high = 0.0, 1.0
    while t_power(pairs, high, alpha / m) < power:
        low, high = high, 2 * high
    for _ in range(60):  # halvings: to the last bit
        middle = (low + high) / 2
        if t_power(pairs, middle, alpha / m) < power:
            low = middle
        else:
            high = middle
    return high


def t_power(n: int, d: float, level: float) -> float:
    """How often n pairs with effect d give p_t ≤ level with the true sign."""
    from scipy.special import nctdtr, stdtrit

    missed = float(nctdtr(n - 1, d * math.sqrt(n), stdtrit(n - 1, 1 - level / 2)))
    return 1.0 if math.isnan(missed) else 1.0 - missed  # NaN is what scipy underflows to


@lru_cache(maxsize=4096)
def _t_pairs(d: float, level: float, power: float) -> int | None:
    """The fewest pairs with which the t test has that power: doubled, then bisected."""
    low, high = 1, 2
    while t_power(high, d, level) < power:
        low, high = high, 2 * high
        if high > LARGEST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if t_power(middle, d, level) < power:
            low = middle
        else:
            high = middle
    return high
