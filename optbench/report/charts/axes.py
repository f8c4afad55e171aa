"""Where a chart's axes end, which values are written on them, and whether they are logarithmic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optbench.analysis.metric import Metric
    from optbench.report.charts.pen import Canvas

# A mean, or a value of its own, with the ends of its interval.
Extent = tuple[float, float | None, float | None]

LOG_SCALE = "logScale"  # the parameter that every loss axis follows

MOST_BAND = 0.25  # of the means' span: a wider band, as of two seeds, leaves the panel
MARGIN = 0.04  # of the span, on both sides
FEWEST_TICKS = 3
MOST_DECADES = 9  # with a tick each


@dataclass(frozen=True)
class Axis:
    """An axis of values: its title, its ends, and for a loss also its ends on a log scale."""

    title: str
    ends: tuple[float, float] | None
    log_ends: tuple[float, float] | None = None
    unit: int = 1  # what values are multiplied by

    @property
    def follows(self) -> bool:
        """Whether it can be logarithmic."""
        return self.log_ends is not None

    def place(self, field: str) -> list[dict[str, Any]]:
        """The transform that puts a field where it is drawn: at its logarithm, if that is chosen.

        A scale's type can't follow a parameter, its values can.
        """
        if self.log_ends is None:
            return [{"calculate": f"datum.{field}", "as": f"{field}_at"}]
        least = self.log_ends[0]
        log = f"log(max(datum.{field}, {least!r})) / LN10"
        return [{"calculate": f"{LOG_SCALE} ? {log} : datum.{field}", "as": f"{field}_at"}]

    def encoding(self, field: str) -> dict[str, Any]:
        """The channel of a field that `place` has placed."""
        drawn: dict[str, Any] = {"field": f"{field}_at", "type": "quantitative"}
        drawn["title"] = self.title
        drawn["scale"] = {"zero": False, "nice": False, "clamp": True} | self._domain()
        drawn["axis"] = {"grid": True, "labelFlush": False} | self._ticks()
        return drawn

    def _domain(self) -> dict[str, Any]:
        if self.ends is None:
            return {}
        if self.log_ends is None:
            return {"domain": list(self.ends)}
        pairs = zip(map(math.log10, self.log_ends), self.ends, strict=True)
        return {"domain": [{"expr": f"{LOG_SCALE} ? {log!r} : {end!r}"} for log, end in pairs]}

    def _ticks(self) -> dict[str, Any]:
        if self.ends is None:
            return {}
        even = even_ticks(*self.ends, 6)
        if self.log_ends is None:
            return {"values": even}
        logs = [math.log10(tick) for tick in log_ticks(*self.log_ends)]
        label = f"format({LOG_SCALE} ? pow(10, datum.value) : datum.value, '~g')"
        return {"values": {"expr": f"{LOG_SCALE} ? {logs} : {even}"}, "labelExpr": label}


def metric_axis(
    canvas: Canvas, metric: Metric, title: str, shown: Sequence[Extent], most: float = MOST_BAND
) -> Axis:
    """An accuracy in percent, anything else as a loss; `most` as in `limits`."""
    if not metric.is_accuracy:
        return loss_axis(canvas, title, shown, most)
    title = f"{title} (%)"
    if not shown:
        return Axis(title, None, unit=100)
    low, high = (100 * end for end in limits(shown, most=most))
    return Axis(title, (max(low, 0), min(high, 100)), unit=100)


def loss_axis(canvas: Canvas, title: str, shown: Sequence[Extent], most: float = MOST_BAND) -> Axis:
    """Around these losses, on a log scale or not where all of them are above 0."""
    if not shown:
        return Axis(title, None)
    ends = limits(shown, most=most)
    if any(mean <= 0 for mean, _, _ in shown):
        return Axis(title, ends)
    still = canvas.log and not canvas.interactive
    title = f"{title} (log scale)" if still else title
    return Axis(title, ends, limits(shown, log=True, most=most))


def limits(
    shown: Sequence[Extent], *, log: bool = False, most: float = MOST_BAND
) -> tuple[float, float]:
    """Lowest and highest value to show: all means, and of their intervals up to `most` spans."""
    forward: Callable[[float], float] = math.log10 if log else float
    means = [forward(mean) for mean, _, _ in shown]
    least, highest = min(means), max(means)
    span = (highest - least) or abs(least) or 1.0
    floor = 0.0 if log else -math.inf  # a log scale has no place for less
    lows = [forward(low) for _, low, _ in shown if low is not None and low > floor]
    highs = [forward(high) for _, _, high in shown if high is not None]
    low = max(min([least, *lows]), least - most * span) - MARGIN * span
    high = min(max([highest, *highs]), highest + most * span) + MARGIN * span
    return (10**low, 10**high) if log else (low, high)


def log_ticks(low: float, high: float) -> list[float]:
    """Values 1, 2, 5 a decade within the limits; fewer over many decades, even ones over few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    apart = math.ceil(len(decades) / MOST_DECADES)
    some = [decade for decade in decades if decade % apart == 0]
    for digits in ((1,), (1, 2, 5), (1, 2, 3, 5)):
        ticks = [float(f"{digit}e{decade}") for decade in some for digit in digits]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) >= FEWEST_TICKS + (digits == (1,)):
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
