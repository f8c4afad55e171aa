"""Learning rates beside those that were tried, in the same ratio."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from optbench.catalog.optimizers import optimizers
from optbench.catalog.receivers import optimizer_receiver
from optbench.config.spaces import logspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HALF_DECADE = math.sqrt(10)
FURTHEST = 2  # decades beyond those that were tried
_DIGITS = 3  # significant ones of a learning rate that nobody wrote
_USUAL = 1e-3  # torch's default of most optimizers
_MOST_DECADES = 4
_NEAR = 0.005  # of a power of ten, which then was meant: 0.0316 / √10 is 0.00999


def below(tried: Iterable[float], count: int) -> list[float]:
    """So many more under the lowest, in increasing order."""
    lowest, ratio = min(values := sorted(set(tried))), _ratio(values)
    return [_rounded(lowest / ratio**steps) for steps in range(count, 0, -1)]


def above(tried: Iterable[float], count: int) -> list[float]:
    """So many more over the highest, in increasing order."""
    highest, ratio = max(values := sorted(set(tried))), _ratio(values)
    return [_rounded(highest * ratio**steps) for steps in range(1, count + 1)]


def around(tried: Iterable[float], count: int) -> str:
    """So many more, as a space: on both sides, one more below than above where they are odd.

    Where that would go on for more than two decades, evenly from a decade below the lowest to a
    decade above the highest: what is far off is no tuning.
    """
    values = sorted(set(tried))
    if math.log10(_ratio(values)) * math.ceil(count / 2) <= FURTHEST + 1e-9:
        return among([*below(values, math.ceil(count / 2)), *above(values, count // 2)])
    low, high = _rounded(values[0] / 10), _rounded(values[-1] * 10)
    points = (
        number for number in itertools.count(count) if _new(low, high, number, values) >= count
    )
    return f"{{logspace: [{low:.6g}, {high:.6g}, {next(points)}]}}"


def among(values: Sequence[float]) -> str:
    """`{grid: [0.01, 0.1]}`; of a single value that value."""
    if len(values) == 1:
        return f"{values[0]:.6g}"
    return f"{{grid: [{', '.join(f'{value:.6g}' for value in values)}]}}"


def decades_around(values: Sequence[float]) -> str:
    """A grid of two points a decade, from a tenth of the lowest to ten times the highest."""
    low = math.floor(math.log10(min(values)) + 1e-9) - 1
    high = math.ceil(math.log10(max(values)) - 1e-9) + 1
    return f"{{logspace: [{10.0**low:.6g}, {10.0**high:.6g}, {2 * (high - low) + 1}]}}"


def calmer(tried: Iterable[float], optimizer: str) -> list[float]:
    """Below all that diverged: one more in their ratio, or decades from the usual one upwards.

    The latter where the lowest of them is more than a decade above the usual one.
    """
    values, usual = sorted(set(tried)), _usual_rate(optimizer)
    if values[0] <= usual * 10 * (1 + _NEAR):
        return below(values, 1)
    decades = (_rounded(usual * 10**exponent) for exponent in range(_MOST_DECADES))
    return [rate for rate in decades if rate < values[0] * (1 - _NEAR)]


def _usual_rate(optimizer: str) -> float:
    """A catalog's optimizer's default learning rate; of others, and without a default, .001."""
    if optimizer not in optimizers():
        return _USUAL
    parameter = optimizer_receiver(optimizer).parameters.get("lr")
    default = parameter.default if parameter else None
    return float(default) if isinstance(default, int | float) and default > 0 else _USUAL


def _new(low: float, high: float, number: int, tried: Iterable[float]) -> int:
    """How many of so many points nobody has tried."""
    return len({*logspace(low, high, number)} - {*tried})


def _ratio(values: Sequence[float]) -> float:
    """Between neighbours, at most a decade; half a decade for a single one."""
    if len(values) < 2:
        return HALF_DECADE
    return min(float((values[-1] / values[0]) ** (1 / (len(values) - 1))), 10.0)


def _rounded(value: float) -> float:
    if not 0 < value < math.inf:  # beyond what a float holds
        return value
    power = 10.0 ** round(math.log10(value))
    if math.isclose(value, power, rel_tol=_NEAR):
        return float(f"{power:g}")
    return float(f"{value:.{_DIGITS}g}")
