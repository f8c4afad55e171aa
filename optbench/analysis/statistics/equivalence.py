"""Is a difference too small to matter?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.interval import t_interval
from optbench.analysis.statistics.finite import refuse_infinite

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.90  # two one-sided tests at 5% each


@dataclass(frozen=True)
class Equivalence:
    """Whether the 90% t interval of the mean lies inside the margin; no interval for one pair."""

    equivalent: bool
    low: float | None
    high: float | None


def equivalent(differences: Sequence[float], margin: float) -> Equivalence:
    """Two one-sided t tests at 5% [Schuirmann 1987]; the margin is in the differences' unit.

    ValueError for no differences or ones that aren't finite.
    """
    refuse_infinite(differences)
    found = t_interval(differences, CONFIDENCE)
    if found.low is None or found.high is None:
        return Equivalence(equivalent=False, low=None, high=None)
    inside = -margin < found.low and found.high < margin
    return Equivalence(inside, found.low, found.high)
