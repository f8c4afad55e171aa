"""Means with 95% t intervals.

Student's t covers .95 with five seeds where BCa and percentile bootstraps cover .84
(docs/statistics.md); Welch, "The generalization of Student's problem when several
different population variances are involved", Biometrika 34 (1947), for unpaired seeds.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` seeds with its interval; no interval for one seed or non-finite values."""

    mean: float
    low: float | None
    high: float | None
    n: int

    @property
    def margin(self) -> float | None:
        """Half the interval's width: what stands after ±."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def without_interval(self) -> Estimate:
        return Estimate(self.mean, None, None, self.n)


def t_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """Mean and Student's t interval of independent values, of which there must be one or more."""
    n = len(values)
    if not all(map(math.isfinite, values)):
        return Estimate(math.nan, None, None, n)
    mean = statistics.mean(values)  # exact, unlike fmean: six times 0.1 is 0.1
    if n == 1:
        return Estimate(mean, None, None, n)
    error = statistics.stdev(values) / math.sqrt(n)
    return _around(mean, error, n - 1, n, confidence)


def welch_interval(
    a: Sequence[float], b: Sequence[float], confidence: float = CONFIDENCE
) -> Estimate:
    """Mean of `a` minus mean of `b` with Welch's interval; `n` is the smaller sample's size."""
    n = min(len(a), len(b))
    if not all(map(math.isfinite, [*a, *b])):
        return Estimate(math.nan, None, None, n)
    mean = statistics.mean(a) - statistics.mean(b)
    if n == 1:
        return Estimate(mean, None, None, n)
    error, degrees = welch_error(a, b)
    if error == 0:
        return Estimate(mean, mean, mean, n)
    return _around(mean, error, degrees, n, confidence)


def welch_error(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """Standard error of the difference of two means, and its degrees of freedom [Welch 1947].

    Of two values or more each; (0, 0) where neither sample has any spread.
    """
    errors = [statistics.stdev(sample) / math.sqrt(len(sample)) for sample in (a, b)]
    error = math.hypot(*errors)
    if error == 0:
        return 0.0, 0.0
    parts = [(part / error) ** 4 for part in errors]
    return error, 1 / sum(part / (len(x) - 1) for part, x in zip(parts, (a, b), strict=True))


def _around(mean: float, error: float, degrees: float, n: int, confidence: float) -> Estimate:
    margin = _quantile(degrees, confidence) * error
    return Estimate(mean, mean - margin, mean + margin, n)


@lru_cache(maxsize=256)
def _quantile(degrees: float, confidence: float) -> float:
    from scipy.special import stdtrit  # scipy.stats would take 1.6 s to import

    return float(stdtrit(degrees, (1 + confidence) / 2))
