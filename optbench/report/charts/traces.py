"""A panel of learning curves: each seed, the mean with its band, and where a seed diverged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.report.charts.axes import epoch_ticks
from optbench.report.charts.look import CROSS, MARKER
from optbench.report.charts.pen import tooltip, with_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optbench.analysis.pictures.curves import Point, Trace
    from optbench.analysis.target import Unit
    from optbench.report.charts.axes import Axis, Extent
    from optbench.report.charts.pen import Pen, Spec

WIDTH, HEIGHT = 340, 250
MOST_MARKED = 20  # markers on a curve
FAINT, BAND = 0.35, 0.16  # opacity of a seed's line and of the interval

_TITLES = {
    "epochs": "epoch",
    "steps": "step",
    "examples": "training examples",
    "seconds": "seconds of training",
}


@dataclass(frozen=True)
class TracePanel:
    """One quantity of a problem's settings, by label."""

    traces: Mapping[str, Trace]
    axis: Axis
    unit: Unit

    @property
    def is_dots(self) -> bool:
        """Whether no setting has a second point: nothing for a line."""
        return all(len(trace.mean) <= 1 for trace in self.traces.values())

    def drawn(self, point: Point) -> Extent:
        """Mean and interval in the axis' unit."""
        unit = self.axis.unit
        if point.low is None or point.high is None:
            return unit * point.mean, None, None
        return unit * point.mean, unit * point.low, unit * point.high


def trace_panel(panel: TracePanel, told: Pen) -> Spec:
    """Seeds and bands, then mean lines with their markers, then where a seed diverged."""
    epochs = [point.epoch for trace in panel.traces.values() for point in trace.mean]
    means = [_band(panel.axis, told), *_mean(panel.axis, told)]
    if told.hidden is not None:
        means.append(_sensor(panel, told))
    layers = [
        {"data": {"values": _seed_data(panel)}, **_seeds(panel.axis, told)},
        {"data": {"values": _mean_data(panel)}, "layer": means},
        {"data": {"values": _end_data(panel)}, **_ends(panel.axis, told)},
    ]
    return {
        "encoding": {"x": progress_channel(panel.unit, epochs), "color": told.colour()},
        "layer": with_data(layers),
        "width": WIDTH,
        "height": HEIGHT,
    }


def progress_channel(unit: Unit, epochs: list[float]) -> Spec:
    """The horizontal channel `at`."""
    axis: dict[str, Any] = {"grid": False, "labelFlush": False}
    ticks = epoch_ticks(epochs) if unit == "epochs" else None
    if ticks:
        axis |= {"values": ticks, "format": "d"}
    else:
        axis |= {"tickCount": 6, "format": "~g" if unit in ("epochs", "seconds") else "~s"}
    scale = {"nice": False, "zero": False, "padding": 10}
    title = _TITLES[unit]
    return {"field": "at", "type": "quantitative", "title": title, "axis": axis, "scale": scale}


def _band(axis: Axis, told: Pen) -> Spec:
    encoding = {"y": axis.encoding("low"), "y2": {"field": "high_at"}}
    known = {"filter": "isValid(datum.low)"}
    return {
        "transform": [known, *axis.place("low"), *axis.place("high")],
        "mark": {"type": "area", "clip": True},
        "encoding": encoding | {"opacity": told.opacity(BAND)},
    }


def _mean(axis: Axis, told: Pen) -> list[Spec]:
    shared = {"y": axis.encoding("mean"), "opacity": told.opacity(1)}
    return [
        {
            "transform": axis.place("mean"),
            "mark": {"type": "line", "strokeWidth": 2.2, "clip": True},
            "encoding": shared | {"strokeDash": told.dash()},
        },
        {
            "transform": [*axis.place("mean"), {"filter": "datum.marked"}],
            "mark": {"type": "point", "filled": True, "size": MARKER},
            "encoding": shared | {"shape": told.shape()},
        },
    ]


def _sensor(panel: TracePanel, told: Pen) -> Spec:
    """Unseen points that answer the mouse."""
    fields = tooltip(
        setting=("setting", ""),
        epoch=("epoch", "~g"),
        at=(panel.unit, "~g"),
        mean=("mean", ".4~g"),
        low=("95% from", ".4~g"),
        high=("95% to", ".4~g"),
        n=("seeds", "d"),
    )
    shown = [field for field in fields if panel.unit != "epochs" or field["field"] != "at"]
    return {
        "transform": panel.axis.place("mean"),
        "mark": {"type": "point", "filled": True, "size": 140, "opacity": 0},
        "encoding": {"y": panel.axis.encoding("mean"), "tooltip": shown} | told.reach(140),
    }


def _seeds(axis: Axis, told: Pen) -> Spec:
    faint = {"detail": {"field": "seed"}, "opacity": told.opacity(FAINT, of_a_seed=True)}
    return {
        "transform": axis.place("value"),
        "mark": {"type": "line", "strokeWidth": 0.8, "clip": True},
        "encoding": {"y": axis.encoding("value")} | faint,
    }


def _ends(axis: Axis, told: Pen) -> Spec:
    tips = tooltip(setting=("setting", ""), seed=("diverged: seed", "d"))
    return {
        "transform": axis.place("value"),
        "mark": {"type": "point", "shape": CROSS, "size": 30, "strokeWidth": 2},
        "encoding": {"y": axis.encoding("value"), "opacity": told.opacity(1), "tooltip": tips}
        | told.reach(30),
    }


def _mean_data(panel: TracePanel) -> list[dict[str, Any]]:
    """A record a point; of a long curve every so many points are marked, the last one too."""
    lines = {label: trace.mean for label, trace in panel.traces.items()}
    step = math.ceil(max(map(len, lines.values()), default=1) / MOST_MARKED) or 1
    records = []
    for label, points in lines.items():
        for number, point in enumerate(points, start=1):
            mean, low, high = panel.drawn(point)
            record = {"setting": label, "at": point.at, "epoch": point.epoch, "n": point.n}
            record |= {"mean": mean, "low": low, "high": high}
            records.append(record | {"marked": (len(points) - number) % step == 0})
    return records


def _seed_data(panel: TracePanel) -> list[dict[str, Any]]:
    return [
        {"setting": label, "seed": curve.seed, "at": at, "value": panel.axis.unit * value}
        for label, trace in panel.traces.items()
        for curve in trace.seeds
        for at, _, value in curve.samples
    ]


def _end_data(panel: TracePanel) -> list[dict[str, Any]]:
    """Where each diverged seed was last seen."""
    ends = []
    for label, trace in panel.traces.items():
        for curve in trace.seeds:
            if curve.diverged and curve.samples:
                at, _, value = curve.samples[-1]
                value *= panel.axis.unit
                ends.append({"setting": label, "seed": curve.seed, "at": at, "value": value})
    return ends
