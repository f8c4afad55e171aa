"""Names of measured quantities in prose, and their values in people's units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optbench.report import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.analysis.interval import Estimate
    from optbench.analysis.metric import Metric

HUGE = 1e4  # differences from here on are written as 6.18e+05, as are those that would look like 0

_SPLITS = {"train": "train", "val": "validation", "test": "test"}


def listed(items: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def count(number: int, noun: str) -> str:
    """`1 trial`, `2,500 trials`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def quantity(column: str) -> str:
    """`validation loss` for val_loss."""
    split, _, rest = column.partition("_")
    return f"{_SPLITS.get(split, split)} {rest.replace('_', ' ')}".strip()


def value(metric: Metric, number: float) -> str:
    """95% or 0.071, without digits that say nothing."""
    if not metric.is_accuracy:
        return numbers.loss(number)
    text = numbers.plain(100 * number, 2)
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"


def bare_value(metric: Metric, number: float) -> str:
    """The same as an option takes it: 0.95 or 0.071."""
    return f"{number:.4f}".rstrip("0").rstrip(".") if metric.is_accuracy else numbers.loss(number)


def distance(metric: Metric, number: float) -> str:
    """`6.1 points` or `0.240`: how far apart two values are, without a sign."""
    scaled = abs(_scaled(metric, number))
    decimals = numbers.significant_decimals(scaled, *_decimals(metric))
    fits = _fits(scaled, decimals)
    text = numbers.plain(scaled, decimals) if fits else numbers.scientific(scaled)
    return f"{text} points" if metric.is_accuracy else text


def signed_distance(metric: Metric, estimate: Estimate, decimals: int) -> str:
    """`+6.0` (points) or `−0.240`, from `HUGE` on +6.18e+05, and +3.10e-08 rather than 0."""
    number = _scaled(metric, estimate.mean)
    if not _fits(_far_end(metric, estimate), decimals):
        return numbers.scientific(number, sign=True)
    return numbers.signed(number, decimals)


def bounds(metric: Metric, estimate: Estimate, decimals: int) -> str:
    """`[5.9, 6.2]`, in the notation of `signed_distance`; empty without an interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    fits = _fits(_far_end(metric, estimate), decimals)
    ends = [_scaled(metric, end) for end in (estimate.low, estimate.high)]
    low, high = (numbers.plain(e, decimals) if fits else numbers.scientific(e) for e in ends)
    return f"[{low}, {high}]"


def span(metric: Metric, estimate: Estimate) -> str:
    """`5.9 to 6.2` in prose, with signs where they differ; empty without an interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    decimals = difference_decimals(metric, [estimate])
    ends = [_scaled(metric, end) for end in (estimate.low, estimate.high)]
    signs = ends[0] < 0 < ends[1]
    if not _fits(_far_end(metric, estimate), decimals):
        low, high = (numbers.scientific(end, sign=signs) for end in ends)
    else:
        low, high = ((numbers.signed if signs else numbers.plain)(end, decimals) for end in ends)
    return f"{low} to {high}"


def p_value(p: float) -> str:
    """`p = .008`, from below a thousandth on `p < .001`."""
    return "p < .001" if p < 0.001 else f"p = {probability(p, 3)}"


def probability(value: float, decimals: int = 2) -> str:
    """.68 or 1: a number between 0 and 1 as papers write it."""
    text = f"{value:.{decimals}f}"
    return f"{value:.0f}" if float(text) in (0, 1) else text.removeprefix("0")


def confidence(level: float) -> str:
    """`96%` for the interval at one minus .04."""
    return f"{100 * (1 - level):.1f}".removesuffix(".0") + "%"


def difference_decimals(metric: Metric, estimates: Iterable[Estimate]) -> int:
    """Two significant digits of the end that is farthest from zero, huge ones aside.

    Up to two more where an end would otherwise look like the 0 that it isn't.
    """
    told = [estimate for estimate in estimates if _far_end(metric, estimate) < HUGE]
    farthest = max((_far_end(metric, estimate) for estimate in told), default=0.0)
    decimals = numbers.significant_decimals(farthest, *_decimals(metric))
    ends = [end for estimate in told for end in (estimate.low, estimate.high) if end]
    finite = [abs(_scaled(metric, end)) for end in ends if math.isfinite(end)]
    nearest = min(finite, default=1.0)
    return max(decimals, min(decimals + 2, math.ceil(-math.log10(2 * nearest))))


def _fits(farthest: float, decimals: int) -> bool:
    """Whether so many decimals are a way to write it: it isn't huge, nor like the 0 it is not."""
    return farthest == 0 or 0.5 * 10**-decimals <= farthest < HUGE


def _scaled(metric: Metric, number: float) -> float:
    return 100 * number if metric.is_accuracy else number


def _decimals(metric: Metric) -> tuple[int, int]:
    """Fewest and most decimals of a difference."""
    return (1, 2) if metric.is_accuracy else (3, 5)


def _far_end(metric: Metric, estimate: Estimate) -> float:
    """The end of the interval that is farther from zero, without its sign; infinity is none."""
    told = (estimate.low, estimate.high, estimate.mean)
    ends = [abs(end) for end in told if end is not None and math.isfinite(end)]
    return _scaled(metric, max(ends, default=0.0))
