"""Time to target over several problems: ratios to the best, their profile and score.

Dolan & Moré, "Benchmarking optimization software with performance profiles", Math. Program. 91
(2002); the score is AlgoPerf's [Dahl et al. 2023]. All of it depends on who takes part.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORST_RATIO = 4.0


def ratios(times: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Each contestant's time over the shortest, problem by problem; infinite for never.

    ValueError unless all have a time for each problem.
    """
    best = [min(column) for column in zip(*times.values(), strict=True)]
    return {
        name: [_ratio(time, shortest) for time, shortest in zip(own, best, strict=True)]
        for name, own in times.items()
    }


def performance_profile(ratios: Sequence[float], taus: Sequence[float]) -> list[float]:
    """The share of problems in which one contestant took at most τ times the shortest."""
    return [sum(ratio <= tau for ratio in ratios) / len(ratios) for tau in taus]


def profile_score(ratios: Sequence[float], r_max: float = WORST_RATIO) -> float:
    """The area under one contestant's profile from 1 to r_max, over r_max − 1: from 0 to 1."""
    return sum(max(0.0, r_max - ratio) for ratio in ratios) / len(ratios) / (r_max - 1)


def _ratio(time: float, shortest: float) -> float:
    """Infinite for never, also where nobody arrived; 1 where both started at the target."""
    if math.isinf(time):
        return math.inf
    if shortest == 0:
        return 1.0 if time == 0 else math.inf
    return time / shortest
