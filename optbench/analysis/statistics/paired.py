"""Is the mean of paired differences zero? Student's t test and the sign-flip permutation test.

Each test works on a batch, an array [trials, pairs], so that scripts/simulate_verdicts.py
measures the very code that a verdict rests on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.analysis.statistics.draws import named_generator
from optbench.analysis.statistics.finite import refuse_infinite
from optbench.analysis.statistics.scale import near_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[Any]

EXACT_PAIRS = 20  # 2^19 sign patterns take some milliseconds
DRAWS = 100_000
TOLERANCE = 1e-12  # of the sum of |d|: sums that differ by rounding alone are ties
BLOCK = 5_000  # draws at a time: bounds the memory


@dataclass(frozen=True)
class PairedP:
    """Two-sided p of both tests and the larger of the two, which a verdict is based on."""

    p: float
    p_t: float
    p_flip: float


def paired_p(differences: Sequence[float]) -> PairedP:
    """The larger p of t test and sign flips; ValueError for none or ones that aren't finite."""
    p_t, p_flip = paired_t_p(differences), sign_flip_p(differences)
    return PairedP(max(p_t, p_flip), p_t, p_flip)


def paired_t_p(differences: Sequence[float]) -> float:
    """Two-sided p of the paired t test [Student 1908].

    1 for one pair and where the mean is zero; next to 0 where all are equal and not zero.
    """
    refuse_infinite(differences)
    return float(paired_t_ps(_batch_of_one(differences))[0])


def sign_flip_p(differences: Sequence[float], *, draws: int = DRAWS) -> float:
    """Two-sided p of the sign-flip permutation test of the mean [Fisher 1935, §21].

    Exact to 20 pairs: the share of the 2^n sign patterns whose |mean| is at least the one seen.
    Above, (b + 1)/(B + 1) over B random patterns [Phipson & Smyth 2010].
    """
    refuse_infinite(differences)
    return float(sign_flip_ps(_batch_of_one(differences), draws=draws)[0])


def paired_ps(differences: Floats) -> Floats:
    """`paired_p` of each row of [trials, pairs]."""
    import numpy as np

    return np.maximum(paired_t_ps(differences), sign_flip_ps(differences))


def paired_t_ps(differences: Floats) -> Floats:
    """`paired_t_p` of each row of [trials, pairs]."""
    import numpy as np
    from scipy.special import stdtr

    trials, n = differences.shape
    if n == 1:
        return np.ones(trials)
    differences = near_one(differences)
    means = differences.mean(axis=1)
    errors = differences.std(axis=1, ddof=1) / math.sqrt(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stdtr(n - 1, -np.abs(means / errors))
    return np.where(means == 0, 1.0, p)


def sign_flip_ps(differences: Floats, *, draws: int = DRAWS) -> Floats:
    """`sign_flip_p` of each row of [trials, pairs]."""
    import numpy as np

    differences = near_one(differences)
    size = np.abs(differences).sum(axis=1)
    atleast = np.abs(differences.sum(axis=1)) - TOLERANCE * size
    if differences.shape[1] <= EXACT_PAIRS:
        beyond = np.abs(_sums_of_all_patterns(differences)) >= atleast[:, None]
        return np.asarray(beyond.mean(axis=1))
    return (_drawn_beyond(differences, atleast, draws) + 1) / (draws + 1)


def _sums_of_all_patterns(differences: Floats) -> Floats:
    """[trials, 2^(pairs − 1)]: the first sign is held, as −s has the |sum| of s."""
    import numpy as np

    sums = differences[:, :1]
    for column in differences.T[1:]:
        step = column[:, None]
        sums = np.concatenate([sums + step, sums - step], axis=1)
    return sums


def _drawn_beyond(differences: Floats, atleast: Floats, draws: int) -> Floats:
    """How many of `draws` random sign patterns come as far as `atleast`, in each row."""
    import numpy as np

    generator = named_generator("sign flips")
    beyond = np.zeros(len(differences))
    for start in range(0, draws, BLOCK):
        shape = (differences.shape[1], min(BLOCK, draws - start))
        signs = generator.integers(0, 2, size=shape) * 2.0 - 1.0
        beyond += (np.abs(differences @ signs) >= atleast[:, None]).sum(axis=1)
    return beyond


def _batch_of_one(differences: Sequence[float]) -> Floats:
    import numpy as np

    return np.array([differences], dtype=float)
