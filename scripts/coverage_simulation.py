"""How often 95% intervals of a mean hold it: Student's t, and two bootstraps that look modern."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri
from verdict_simulations import Count

from optbench.analysis.interval import t_interval
from optbench.analysis.statistics.draws import named_generator

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Floats = NDArray[Any]

RESAMPLES = 1_000
BLOCK = 500  # samples at a time: bounds the memory
TAILS = np.array([0.025, 0.975])


def coverage(trials: int) -> list[Count]:
    """Intervals that hold the true mean, of normal samples of few seeds."""
    random = named_generator("simulation: coverage")
    counts = []
    for n in (3, 5, 8, 10, 20):
        held = dict.fromkeys(("t", "percentile bootstrap", "BCa bootstrap"), 0)
        for start in range(0, trials, BLOCK):
            sample = random.normal(size=(min(BLOCK, trials - start), n))
            held["t"] += sum(map(_t_holds_zero, sample.tolist()))
            resampled = _resampled_means(random, sample)
            held["percentile bootstrap"] += _hold_zero(np.quantile(resampled, TAILS, axis=1).T)
            held["BCa bootstrap"] += _hold_zero(_bca(sample, resampled))
        counts += [Count("coverage", case, n, 0.0, hits, trials) for case, hits in held.items()]
    return counts


def _t_holds_zero(sample: list[float]) -> bool:
    found = t_interval(sample)
    return found.low is not None and found.high is not None and found.low <= 0 <= found.high


def _resampled_means(random: Generator, sample: Floats) -> Floats:
    drawn = random.integers(0, sample.shape[1], size=(RESAMPLES, sample.shape[1]))
    means: Floats = sample[:, drawn].mean(axis=2)
    return means


def _hold_zero(bounds: Floats) -> int:
    return int(((bounds[:, 0] <= 0) & (bounds[:, 1] >= 0)).sum())


def _bca(sample: Floats, resampled: Floats) -> Floats:
    """Bounds [samples, 2], bias-corrected and accelerated [Efron 1987]."""
    mean = sample.mean(axis=1, keepdims=True)
    below = (resampled < mean).mean(axis=1, keepdims=True)
    bias = ndtri(np.clip(below, 1 / RESAMPLES, 1 - 1 / RESAMPLES))
    gaps = sample - mean  # of a mean, the jackknife's values are these, scaled
    skew = (gaps**3).sum(axis=1, keepdims=True) / (gaps**2).sum(axis=1, keepdims=True) ** 1.5 / 6
    z = bias + ndtri(TAILS)
    levels = ndtr(bias + z / (1 - skew * z))
    ranks = np.clip((levels * RESAMPLES).astype(int), 0, RESAMPLES - 1)
    return np.take_along_axis(np.sort(resampled, axis=1), ranks, axis=1)
