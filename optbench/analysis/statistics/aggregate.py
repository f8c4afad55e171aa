"""One number for several problems, and its bootstrap over seeds.

Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice",
NeurIPS 2021, for the interquartile mean, the optimality gap and the stratified bootstrap.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optbench.analysis.interval import Estimate
from optbench.analysis.statistics.draws import named_generator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONFIDENCE = 0.95
FEWEST_SEEDS = 10  # with fewer a bootstrap's interval is too narrow
RESAMPLES = 2_000


def interquartile_mean(scores: Sequence[float]) -> float:
    """Mean of what is left without the lowest and the highest quarter, each rounded down."""
    ordered, cut = sorted(scores), len(scores) // 4
    kept = ordered[cut : len(ordered) - cut]
    return math.fsum(kept) / len(kept)


def optimality_gap(scores: Sequence[float], optimum: float = 1.0) -> float:
    """How far scores fall short of the optimum on average; above it none makes up for another."""
    return math.fsum(max(0.0, optimum - score) for score in scores) / len(scores)


def geometric_mean(values: Sequence[float]) -> float | None:
    """exp of the mean logarithm of values from 0 to ∞; None for none, or for 0 beside ∞."""
    if not values or (0 in values and math.inf in values):
        return None
    if 0 in values:
        return 0.0
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def stratified_bootstrap(
    scores: Sequence[Sequence[float]],
    statistic: Callable[[Sequence[float]], float],
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> Estimate:
    """A statistic of all scores [problems][seeds], with its percentile bootstrap interval.

    A seed is drawn for all problems at once, as its runs share it. No interval below ten
    seeds. ValueError unless every problem has the same seeds.
    """
    import numpy as np

    n = len(scores[0])
    if any(len(row) != n for row in scores):
        raise ValueError("every problem needs the same seeds")
    mean = statistic([score for row in scores for score in row])
    if n < FEWEST_SEEDS:
        return Estimate(mean, None, None, n)
    table, generator = np.array(scores, dtype=float), named_generator("seeds of problems")
    drawn = generator.integers(0, n, size=(resamples, n))
    found = [statistic(table[:, seeds].ravel().tolist()) for seeds in drawn]
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(mean, float(low), float(high), n)
