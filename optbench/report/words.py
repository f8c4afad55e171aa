"""Names of measured quantities in prose, and their values in people's units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.report import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.analysis.interval import Estimate
    from optbench.analysis.metric import Metric

HUGE = 1e4  # differences from here on are written as 6.18e+05

_SPLITS = {"train": "train", "val": "validation", "test": "test"}


def quantity(column: str) -> str:
    """`validation loss` for val_loss."""
    split, _, rest = column.partition("_")
    return f"{_SPLITS.get(split, split)} {rest.replace('_', ' ')}".strip()


def value(metric: Metric, number: float) -> str:
    """95% or 0.071, without digits that say nothing."""
    if not metric.is_accuracy:
        return numbers.loss(number)
    text = f"{100 * number:.2f}".rstrip("0").rstrip(".")
    return f"{text}%"


def bare_value(metric: Metric, number: float) -> str:
    """The same as an option takes it: 0.95 or 0.071."""
    return f"{number:.4f}".rstrip("0").rstrip(".") if metric.is_accuracy else numbers.loss(number)


def distance(metric: Metric, number: float) -> str:
    """`6.1 points` or `0.240`: how far apart two values are, without a sign."""
    scaled = abs(_scaled(metric, number))
    decimals = numbers.significant_decimals(scaled, *_decimals(metric))
    text = numbers.plain(scaled, decimals) if scaled < HUGE else numbers.scientific(scaled)
    return f"{text} points" if metric.is_accuracy else text


def signed_distance(metric: Metric, estimate: Estimate, decimals: int) -> str:
    """`+6.0` (points) or `−0.240`, from `HUGE` on +6.18e+05."""
    number = _scaled(metric, estimate.mean)
    if _far_end(metric, estimate) >= HUGE:
        return numbers.scientific(number, sign=True)
    return numbers.signed(number, decimals)


def bounds(metric: Metric, estimate: Estimate, decimals: int) -> str:
    """`[5.9, 6.2]`, in the notation of `signed_distance`; empty without an interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    huge = _far_end(metric, estimate) >= HUGE
    ends = [_scaled(metric, end) for end in (estimate.low, estimate.high)]
    low, high = (numbers.scientific(e) if huge else numbers.plain(e, decimals) for e in ends)
    return f"[{low}, {high}]"


def difference_decimals(metric: Metric, estimates: Iterable[Estimate]) -> int:
    """Two significant digits of the end that is farthest from zero, huge ones aside."""
    ends = [end for estimate in estimates if (end := _far_end(metric, estimate)) < HUGE]
    return numbers.significant_decimals(max(ends, default=0.0), *_decimals(metric))


def _scaled(metric: Metric, number: float) -> float:
    return 100 * number if metric.is_accuracy else number


def _decimals(metric: Metric) -> tuple[int, int]:
    """Fewest and most decimals of a difference."""
    return (1, 2) if metric.is_accuracy else (3, 5)


def _far_end(metric: Metric, estimate: Estimate) -> float:
    """The end of the interval that is farther from zero, without its sign."""
    ends = [end for end in (estimate.low, estimate.high) if end is not None]
    return abs(_scaled(metric, max(ends or [estimate.mean], key=abs)))
