"""The panels of a chart: curves against the epoch, or dots where there is one epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.report import words
from optbench.report.axes import epoch_ticks, limits, log_ticks
from optbench.report.legend import MARKER, Styles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import altair

    from optbench.analysis.curves import Point
    from optbench.analysis.metric import Metric

WIDTH, HEIGHT = 340, 250
DOT_ROW = 24  # pixels a setting in a panel of dots
MOST_MARKED = 20  # markers on a curve
_DOT_COLOUR = "#0072B2"


@dataclass(frozen=True)
class Panel:
    """One quantity of a problem's settings: their points by label, and how its axis looks."""

    lines: Mapping[str, Sequence[Point]]
    axis: Mapping[str, Any]
    unit: int = 1  # what the values are multiplied by

    @property
    def is_dots(self) -> bool:
        """Whether there is no more than one point of each setting: nothing for a line."""
        return max(map(len, self.lines.values()), default=0) <= 1


def curve_panel(panel: Panel) -> altair.LayerChart:
    """Bands, mean lines and markers against the epoch."""
    import altair as alt

    styles = Styles(tuple(panel.lines))
    axis = alt.Axis(grid=False, labelFlush=False, **_epoch_values(panel))
    scale = alt.Scale(nice=False, zero=False, padding=10)
    base = alt.Chart(alt.InlineData(values=_data(panel))).encode(
        x=alt.X("epoch:Q", title="epoch", axis=axis, scale=scale), color=styles.colour()
    )
    mean, low = alt.Y("mean:Q", **panel.axis), alt.Y("low:Q", **panel.axis)
    layers = [
        base.mark_area(opacity=0.18, clip=True).encode(y=low, y2="high:Q"),
        base.mark_line(strokeWidth=2.2, clip=True).encode(y=mean, strokeDash=styles.dash()),
        base.transform_filter("datum.marked")
        .mark_point(filled=True, size=MARKER, opacity=1)
        .encode(y=mean, shape=styles.shape()),
    ]
    return alt.LayerChart(layer=layers, width=WIDTH, height=HEIGHT)


def dot_panel(panel: Panel, *, labelled: bool) -> altair.LayerChart:
    """A row a setting, with its mean as a dot and its interval as a line."""
    import altair as alt

    labels = list(panel.lines)
    names = alt.Axis(grid=True, domain=False, ticks=False, labelLimit=0, labelPadding=8)
    y = alt.Y(
        "setting:N",
        title=None,
        scale=alt.Scale(domain=labels),
        axis=names if labelled else alt.Axis(grid=True, domain=False, ticks=False, labels=False),
    )
    base = alt.Chart(alt.InlineData(values=_data(panel))).encode(y=y)
    low, mean = alt.X("low:Q", **panel.axis), alt.X("mean:Q", **panel.axis)
    layers = [
        base.mark_rule(strokeWidth=2, clip=True, color=_DOT_COLOUR).encode(x=low, x2="high:Q"),
        base.mark_point(filled=True, size=70, opacity=1, color=_DOT_COLOUR).encode(x=mean),
    ]
    return alt.LayerChart(layer=layers, width=WIDTH, height=DOT_ROW * max(len(labels), 1))


def loss_axis(points: Sequence[Point]) -> dict[str, Any]:
    """A log scale around these points; a curve that explodes runs along the panel's edge."""
    import altair as alt

    if any(point.mean <= 0 for point in points) or not points:
        return {"title": "train loss", "scale": alt.Scale(zero=False)}
    low, high = limits(points, log=True)
    return {
        "title": "train loss (log scale)",
        "scale": alt.Scale(type="log", domain=[low, high], nice=False, clamp=True),
        "axis": alt.Axis(values=log_ticks(low, high), format="~g"),
    }


def metric_axis(points: Sequence[Point], metric: Metric) -> dict[str, Any]:
    """A linear scale around these points, in percent for an accuracy."""
    import altair as alt

    title = words.quantity(metric.name) + (" (%)" if metric.is_accuracy else "")
    if not points:
        return {"title": title, "scale": alt.Scale(zero=False)}
    low, high = (unit(metric) * end for end in limits(points))
    if metric.is_accuracy:
        low, high = max(low, 0), min(high, 100)
    return {"title": title, "scale": alt.Scale(domain=[low, high], nice=False, clamp=True)}


def unit(metric: Metric) -> int:
    """What values of the metric are multiplied by for people."""
    return 100 if metric.is_accuracy else 1


def _epoch_values(panel: Panel) -> dict[str, Any]:
    ticks = epoch_ticks([point.epoch for line in panel.lines.values() for point in line])
    return {"values": ticks, "format": "d"} if ticks else {}


def _data(panel: Panel) -> list[dict[str, Any]]:
    """A record a point; of a long curve every so many points are marked, the last one too."""
    step = math.ceil(max(map(len, panel.lines.values()), default=1) / MOST_MARKED)
    return [
        {"setting": label, "epoch": point.epoch, "marked": (len(line) - number) % step == 0}
        | _values(point, panel.unit)
        for label, line in panel.lines.items()
        for number, point in enumerate(line, start=1)
    ]


def _values(point: Point, unit: int) -> dict[str, float]:
    """Mean and interval; without one the band has no height."""
    low = point.mean if point.low is None else point.low
    high = point.mean if point.high is None else point.high
    return {"mean": unit * point.mean, "low": unit * low, "high": unit * high}
