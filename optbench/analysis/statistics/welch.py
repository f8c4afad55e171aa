"""Two means of seeds that cannot be paired: Welch's t test."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from optbench.analysis.interval import welch_error

if TYPE_CHECKING:
    from collections.abc import Sequence


def welch_t_p(a: Sequence[float], b: Sequence[float]) -> float:
    """Two-sided p of Welch's t, the test whose interval `welch_interval` is [Welch 1947].

    Of two values or more each. Without any spread it is 0, or 1 for equal means.
    """
    from scipy.special import stdtr

    gap = abs(statistics.mean(a) - statistics.mean(b))
    error, degrees = welch_error(a, b)
    if error == 0:
        return float(gap == 0)
    return 2 * float(stdtr(degrees, -gap / error))
