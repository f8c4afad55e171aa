"""Seeds that cannot be paired: a permutation test of Welch's t and the Mann–Whitney share."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any

from optbench.analysis.statistics.draws import named_generator
from optbench.analysis.statistics.finite import refuse_infinite
from optbench.analysis.statistics.scale import near_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[Any]

DRAWS = 100_000  # splits: all of them where there are no more, as up to nine a side
TOLERANCE = 1e-9  # relative: splits whose t differs by rounding alone are ties
BLOCK = 5_000  # draws at a time: bounds the memory


def welch_permutation_p(a: Sequence[float], b: Sequence[float], *, draws: int = DRAWS) -> float:
    """Two-sided p of Welch's t over the ways to split the values in two such samples.

    Exact where there are at most `draws` splits, (b + 1)/(B + 1) over B random ones beyond
    [Janssen 1997; Phipson & Smyth 2010]. ValueError for none or values that aren't finite; 1 if
    either sample is a single value, which has no variance.
    """
    import numpy as np

    refuse_infinite(a)
    refuse_infinite(b)
    if min(len(a), len(b)) == 1:
        return 1.0
    values = near_one(np.array([[*a, *b]], dtype=float))[0]
    seen = float(_welch_t(values[None, :], len(a))[0]) * (1 - TOLERANCE)
    if math.comb(len(values), len(a)) <= draws:
        return float((_welch_t(_all_splits(values, len(a)), len(a)) >= seen).mean())
    return (_drawn_beyond(values, len(a), seen, draws) + 1) / (draws + 1)


def mann_whitney_share(a: Sequence[float], b: Sequence[float]) -> float:
    """P(a > b) + ½ P(a = b) over all pairs of values, which may be infinite.

    [Mann & Whitney 1947; Vargha & Delaney 2000]. ValueError for no values and for NaN.
    """
    if not a or not b or any(map(math.isnan, [*a, *b])):
        raise ValueError("the share needs values on both sides, none of them NaN")
    won = sum((x > y) + (x == y) / 2 for x in a for y in b)
    return won / (len(a) * len(b))


def _welch_t(splits: Floats, size: int) -> Floats:
    """|t| of each row, whose first `size` values are one sample; 0 for equal means."""
    import numpy as np

    a, b = splits[:, :size], splits[:, size:]
    gap = np.abs(a.mean(axis=1) - b.mean(axis=1))
    variance = a.var(axis=1, ddof=1) / a.shape[1] + b.var(axis=1, ddof=1) / b.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = gap / np.sqrt(variance)
    return np.where(gap <= TOLERANCE * np.abs(splits).max(axis=1), 0.0, t)


def _all_splits(values: Floats, size: int) -> Floats:
    """[splits, values]: every choice of `size` values, each followed by the others."""
    import numpy as np

    chosen = np.array(list(combinations(range(len(values)), size)))
    is_chosen = np.zeros((len(chosen), len(values)), dtype=bool)
    np.put_along_axis(is_chosen, chosen, values=True, axis=1)
    order = np.argsort(~is_chosen, axis=1, kind="stable")
    return values[order]


def _drawn_beyond(values: Floats, size: int, seen: float, draws: int) -> int:
    """How many of `draws` random splits have a |t| of at least `seen`."""
    import numpy as np

    generator = named_generator("splits")
    beyond = 0
    for start in range(0, draws, BLOCK):
        rows = np.tile(values, (min(BLOCK, draws - start), 1))
        beyond += int((_welch_t(generator.permuted(rows, axis=1), size) >= seen).sum())
    return beyond
