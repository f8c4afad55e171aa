"""Learning rates beside those that were tried, in the same ratio."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HALF_DECADE = math.sqrt(10)
_DIGITS = 3  # significant ones of a learning rate that nobody wrote


def below(tried: Iterable[float], count: int) -> list[float]:
    """So many more under the lowest, in increasing order."""
    lowest, ratio = min(values := sorted(set(tried))), _ratio(values)
    return [_rounded(lowest / ratio**steps) for steps in range(count, 0, -1)]


def above(tried: Iterable[float], count: int) -> list[float]:
    """So many more over the highest, in increasing order."""
    highest, ratio = max(values := sorted(set(tried))), _ratio(values)
    return [_rounded(highest * ratio**steps) for steps in range(1, count + 1)]


def around(tried: Iterable[float], count: int) -> list[float]:
    """So many more on both sides, one more below than above where they are odd."""
    values = list(tried)
    return [*below(values, math.ceil(count / 2)), *above(values, count // 2)]


def decades_around(values: Sequence[float]) -> str:
    """A grid of two points a decade, from a tenth of the lowest to ten times the highest."""
    low = math.floor(math.log10(min(values)) + 1e-9) - 1
    high = math.ceil(math.log10(max(values)) - 1e-9) + 1
    return f"{{logspace: [{10.0**low:.6g}, {10.0**high:.6g}, {2 * (high - low) + 1}]}}"


def _ratio(values: Sequence[float]) -> float:
    """Between neighbours; half a decade for a single one."""
    if len(values) < 2:
        return HALF_DECADE
    return float((values[-1] / values[0]) ** (1 / (len(values) - 1)))


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
