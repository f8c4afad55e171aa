"""What the best of k random trials is expected to score, and where two searches cross.

Tang et al., "Showing your work doesn't always work", ACL 2020, for the unbiased estimate;
Lourie et al., "Show your work with confidence", 2023, for how far a bootstrap band can be
trusted. For random search only: a grid's trials are no sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from optbench.analysis.statistics.draws import named_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[Any]

CONFIDENCE = 0.95
TRUSTED = 4  # a bootstrap band needs k ≤ n/4
RESAMPLES = 2_000


@dataclass(frozen=True)
class Trials:
    """Validation and test values of a random search, trial by trial.

    Diverged trials are kept: infinitely bad in validation, and in test as their untrained model.
    `higher_is_better` is of both: beside an accuracy, a validation loss is given negated.
    ValueError for none, for NaN, and for a test value that is infinite.
    """

    validation: tuple[float, ...]
    test: tuple[float, ...]
    higher_is_better: bool

    def __post_init__(self) -> None:
        if not self.validation or len(self.validation) != len(self.test):
            raise ValueError("a search needs trials, each with a validation and a test value")
        if any(map(math.isnan, self.validation)) or not all(map(math.isfinite, self.test)):
            raise ValueError("a trial needs a validation value and a finite test value")

    @property
    def ordered(self) -> list[float]:
        """Test values from the worst to the best trial by validation."""
        sign = 1.0 if self.higher_is_better else -1.0
        ranked = sorted(
            zip(self.validation, self.test, strict=True), key=lambda trial: sign * trial[0]
        )
        return [test for _, test in ranked]


@dataclass(frozen=True)
class BestOf:
    """Expected best of `k` trials, with a 95% bootstrap band, or else the median's bound.

    `low` and `high` are in the test metric's unit; None where these trials set no bound.
    """

    k: int
    expected: float
    low: float | None
    high: float | None
    band: Literal["bootstrap", "median"]


@dataclass(frozen=True)
class Crossing:
    """One search is better with `before` trials, the other with `after`; a's is first or not."""

    before: int
    after: int
    a_first: bool


def expected_best(trials: Trials, k: int) -> float:
    """Σ_{i ≥ k} x_(i) C(i − 1, k − 1)/C(n, k): the mean over all choices of k of the n trials.

    ValueError unless 1 ≤ k ≤ n.
    """
    ordered = trials.ordered
    if not 1 <= k <= len(ordered):
        raise ValueError(f"k must be from 1 to {len(ordered)}, got {k}")
    weights = _weights(len(ordered), k)
    return math.fsum(weight * x for weight, x in zip(weights, ordered, strict=True) if weight)


def tuning_curve(trials: Trials, *, resamples: int = RESAMPLES) -> tuple[BestOf, ...]:
    """The expected best for k = 1 … n, with 95% bands."""
    n = len(trials.test)
    trusted = trusted_trials(trials)
    bands = _quantiles(_resampled(trials, trusted, "trials", resamples)) if trusted else []
    return tuple(
        BestOf(k, expected_best(trials, k), *bands[k - 1], band="bootstrap")
        if k <= trusted
        else BestOf(k, expected_best(trials, k), *_median_bounds(trials, k), band="median")
        for k in range(1, n + 1)
    )


def crossing(a: Trials, b: Trials, *, resamples: int = RESAMPLES) -> Crossing | None:
    """Where the better search changes: only where both sides of it are certain.

    None where that happens nowhere among the `certain_leads`.
    """
    found = list(certain_leads(a, b, resamples=resamples).items())
    for (before, a_before), (after, a_after) in pairwise(found):
        if a_before != a_after:
            return Crossing(before, after, a_first=a_before)
    return None


def certain_leads(a: Trials, b: Trials, *, resamples: int = RESAMPLES) -> dict[int, bool]:
    """Number of trials → whether a is the better, where the 95% band of the difference says so.

    Up to a quarter of the smaller search; where the band includes zero there is no entry.
    """
    trusted = trusted_trials(a, b)
    if not trusted:
        return {}
    first = _resampled(a, trusted, "trials of a", resamples)
    second = _resampled(b, trusted, "trials of b", resamples)
    return {
        k: (low > 0) == a.higher_is_better
        for k, (low, high) in enumerate(_quantiles(first - second), start=1)
        if low > 0 or high < 0
    }


def trusted_trials(*searches: Trials) -> int:
    """Up to how many trials a bootstrap band of these searches can be trusted."""
    return min(len(one.test) for one in searches) // TRUSTED


def _weights(n: int, k: int) -> list[float]:
    """How often the i-th from the worst of n is the best of k: C(i − 1, k − 1)/C(n, k)."""
    choices = math.comb(n, k)
    return [math.comb(i - 1, k - 1) / choices for i in range(1, n + 1)]


def _resampled(trials: Trials, most: int, name: str, resamples: int) -> Floats:
    """[resamples, k = 1 … most]: expected best of trials drawn with replacement."""
    import numpy as np

    ordered = np.array(trials.ordered)
    n = len(ordered)
    drawn = np.sort(named_generator(name).integers(0, n, size=(resamples, n)), axis=1)
    weights = np.array([_weights(n, k) for k in range(1, most + 1)])
    best: Floats = ordered[drawn] @ weights.T
    return best


def _quantiles(samples: Floats) -> list[tuple[float, float]]:
    import numpy as np

    low, high = np.quantile(samples, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _median_bounds(trials: Trials, k: int) -> tuple[float | None, float | None]:
    """One-sided 95% bound of the median best-of-k: the quantile .5^(1/k) of single trials.

    Its rank among the trials by validation is known from a binomial; the bound is the worst test
    value from there on. On the other side there is none for k > n/4.3: nobody knows what a
    trial beyond the best would score.
    """
    from scipy.special import bdtr

    ordered, n = trials.ordered, len(trials.test)
    rank = sum(float(bdtr(j, n, 0.5 ** (1 / k))) <= 1 - CONFIDENCE for j in range(n))
    if not rank:
        return None, None
    reached = ordered[rank - 1 :]
    return (min(reached), None) if trials.higher_is_better else (None, max(reached))
