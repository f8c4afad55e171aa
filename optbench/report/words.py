"""Names of measured quantities in prose, and their values in people's units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.report import numbers

if TYPE_CHECKING:
    from optbench.analysis.interval import Estimate
    from optbench.analysis.metric import Metric

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


def distance(metric: Metric, number: float) -> str:
    """`6.1 points` or `0.240`: how far apart two values are, without a sign."""
    scaled = abs(_scaled(metric, number))
    text = numbers.plain(scaled, numbers.significant_decimals(scaled, *_decimals(metric)))
    return f"{text} points" if metric.is_accuracy else text


def signed_distance(metric: Metric, estimate: Estimate, *, unit: bool) -> str:
    """`+6.0 points` or `−0.240`."""
    text = numbers.signed(_scaled(metric, estimate.mean), _difference_decimals(metric, estimate))
    return f"{text} points" if unit and metric.is_accuracy else text


def bounds(metric: Metric, estimate: Estimate) -> str:
    """`[5.9, 6.2]`; empty without an interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    decimals = _difference_decimals(metric, estimate)
    low, high = (
        numbers.plain(_scaled(metric, end), decimals) for end in (estimate.low, estimate.high)
    )
    return f"[{low}, {high}]"


def _scaled(metric: Metric, number: float) -> float:
    return 100 * number if metric.is_accuracy else number


def _decimals(metric: Metric) -> tuple[int, int]:
    """Fewest and most decimals of a difference."""
    return (1, 2) if metric.is_accuracy else (3, 5)


def _difference_decimals(metric: Metric, estimate: Estimate) -> int:
    """Two significant digits of the end that is farther from zero."""
    ends = [end for end in (estimate.low, estimate.high) if end is not None]
    far = max(map(abs, ends), default=abs(estimate.mean))
    return numbers.significant_decimals(_scaled(metric, far), *_decimals(metric))
