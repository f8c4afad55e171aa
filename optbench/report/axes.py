"""Where a chart's axes end and which values are written on them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optbench.analysis.curves import Point

MOST_BAND = 0.25  # of the means' span: a wider band, as of two seeds, leaves the panel
MARGIN = 0.04  # of the span, on both sides
FEWEST_TICKS = 3


def limits(points: Sequence[Point], *, log: bool = False) -> tuple[float, float]:
    """Lowest and highest value to show: all means, and their bands as far as sensible."""
    forward: Callable[[float], float] = math.log10 if log else float
    means = [forward(point.mean) for point in points]
    least, most = min(means), max(means)
    span = (most - least) or abs(least) or 1.0
    floor = 0.0 if log else -math.inf  # a log scale has no place for less
    lows = [forward(low) for point in points if (low := point.low) is not None and low > floor]
    highs = [forward(point.high) for point in points if point.high is not None]
    low = max(min([least, *lows]), least - MOST_BAND * span) - MARGIN * span
    high = min(max([most, *highs]), most + MOST_BAND * span) + MARGIN * span
    return (10**low, 10**high) if log else (low, high)


def log_ticks(low: float, high: float) -> list[float]:
    """Values 1, 2, 5 a decade within the limits; evenly spaced ones where those are too few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 2, 3, 5)):
        ticks = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) >= FEWEST_TICKS:
            return inside
    return even_ticks(low, high, 5)


def epoch_ticks(epochs: Sequence[float]) -> list[float] | None:
    """Whole epochs, at most ten or so; None where less than two epochs are shown."""
    if not epochs or max(epochs) - min(epochs) < 1:
        return None
    return even_ticks(min(epochs), max(epochs), 10, smallest=1.0)


def even_ticks(low: float, high: float, most: int, smallest: float = 0.0) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten within the limits, about `most` of them."""
    least = max((high - low) / most, smallest)
    power = 10.0 ** math.floor(math.log10(least))
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]
