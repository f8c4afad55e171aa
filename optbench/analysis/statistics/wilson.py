"""A share of a count, with an interval that stays between 0 and 1."""

from __future__ import annotations

import math
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Share:
    """A share of `n`, between 0 and 1, with its interval where it has one."""

    share: float
    low: float | None
    high: float | None
    n: int


def wilson(successes: float, n: int, confidence: float = CONFIDENCE) -> Share:
    """Wilson's score interval of successes out of n; ties may count as half [Wilson 1927].

    ValueError for n = 0 and for successes outside 0 … n.
    """
    from scipy.special import ndtri

    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"a share needs 0 ≤ successes ≤ n and n ≥ 1, got {successes} of {n}")
    share = successes / n
    z = float(ndtri((1 + confidence) / 2))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    margin = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else centre - margin  # there the formula is 0 but for rounding
    high = 1.0 if successes == n else centre + margin
    return Share(share, low, high, n)
