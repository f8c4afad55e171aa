"""A lane a setting: every seed a dot, the mean and its interval below them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.report import words
from optbench.report.charts.axes import metric_axis
from optbench.report.charts.look import MIDDLE_GREY
from optbench.report.charts.pen import Canvas, pen, tooltip, with_data
from optbench.report.charts.row import WIDE, left_out, row, seeds_meant, with_fate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.analysis.pictures.seeds import ProblemSeeds, Strip
    from optbench.report.charts.axes import Axis, Extent
    from optbench.report.charts.pen import Pen, Spec

MOST_INTERVAL = 1.0  # of the values' span: one that is wider leaves the panel

_LANE = 38  # pixels
_DOT = 46  # square pixels
_BESIDE = 0.016  # of the axis: dots that are nearer stand on each other
_LIFT = 0.17  # of a lane, from dot to dot
_BELOW = 0.26  # of a lane, from the dots to the mean


@dataclass(frozen=True)
class Lane:
    """One setting: value by seed, and the mean with the ends of its interval, as drawn."""

    label: str
    values: tuple[tuple[int, float], ...]
    mean: Extent | None


def seed_row(canvas: Canvas, number: int, problem: ProblemSeeds) -> Spec:
    """The final values of a problem's settings; the settings stand on the axis, not in a legend."""
    told = pen(canvas, number, ((_label(strip), strip.series) for strip in problem.strips))
    unit = 100 if problem.metric.is_accuracy else 1
    lanes = [
        _lane(label, strip, unit) for label, strip in zip(told.labels, problem.strips, strict=True)
    ]
    title = f"final {words.quantity(problem.metric.name)}"
    axis = metric_axis(canvas, problem.metric, title, _extents(problem.strips), MOST_INTERVAL)
    reference = next(
        (
            lane.mean[0]
            for lane, strip in zip(lanes, problem.strips, strict=True)
            if strip.is_reference and lane.mean
        ),
        None,
    )
    panel = strip_panel(lanes, axis, told, labelled=True, width=WIDE, reference=reference)
    seeds = seeds_meant(len(strip.values) for strip in problem.strips)
    remarks = [
        "dots: each seed",
        f"diamond and line: mean of {seeds} with its 95% t interval" if seeds else "",
        "dashed: the reference's mean" if reference is not None else "",
        left_out(problem.left_out),
    ]
    return row(problem.label, remarks, [panel])


def strip_panel(
    lanes: Sequence[Lane],
    axis: Axis,
    told: Pen,
    *,
    labelled: bool,
    width: int,
    reference: float | None = None,
) -> Spec:
    """The lanes from top to bottom; `told` colours them, and they can't be hidden."""
    layers = [_intervals(lanes, axis), _rule(reference, axis), *_dots(lanes, axis)]
    return {
        "encoding": {"y": _lanes_channel(lanes, labelled=labelled), "color": told.colour()},
        "layer": with_data(layers),
        "width": width,
        "height": _LANE * max(len(lanes), 1),
    }


def _intervals(lanes: Sequence[Lane], axis: Axis) -> Spec:
    encoding = {"x": axis.encoding("low"), "x2": {"field": "high_at"}}
    ends = {"transform": [*axis.place("low"), *axis.place("high")], "encoding": encoding}
    return _layer(_mean_data(lanes), {"type": "rule", "strokeWidth": 2}, ends)


def _dots(lanes: Sequence[Lane], axis: Axis) -> list[Spec]:
    """A diamond for each mean, a dot for each seed."""
    point: Spec = {"type": "point", "filled": True}
    drawn: list[tuple[str, list[dict[str, Any]], Spec, list[Spec]]] = [
        ("mean", _mean_data(lanes), {"shape": "diamond", "size": 80, "opacity": 1}, _MEAN_TIP),
        ("value", _dot_data(lanes, axis), {"size": _DOT, "opacity": 0.6}, _DOT_TIP),
    ]
    return [
        _layer(
            records,
            point | mark,
            {
                "transform": axis.place(field),
                "encoding": {"x": axis.encoding(field), "tooltip": tips},
            },
        )
        for field, records, mark, tips in drawn
    ]


_DOT_TIP = tooltip(setting=("setting", ""), seed=("seed", "d"), value=("value", ".4~g"))
_MEAN_TIP = tooltip(
    setting=("setting", ""),
    mean=("mean", ".4~g"),
    low=("95% from", ".4~g"),
    high=("95% to", ".4~g"),
)


def _layer(records: list[dict[str, Any]], mark: Spec, rest: Spec) -> Spec:
    return {"data": {"values": records}, "mark": mark | {"clip": True}, **rest}


def _rule(reference: float | None, axis: Axis) -> Spec:
    """Down through all lanes at the reference's mean."""
    records = [] if reference is None else [{"reference": reference}]
    mark = {"type": "rule", "strokeDash": [4, 3], "color": MIDDLE_GREY}
    encoding: Spec = {
        "x": axis.encoding("reference"),
        "y": {"value": 0},
        "y2": {"value": "height"},
        "color": {"value": MIDDLE_GREY},
    }
    return _layer(records, mark, {"transform": axis.place("reference"), "encoding": encoding})


def _lanes_channel(lanes: Sequence[Lane], *, labelled: bool) -> Spec:
    """A place a lane, so that dots can stand on each other; the labels are looked up."""
    names = json.dumps([lane.label for lane in lanes])
    axis: Spec = {
        "values": list(range(len(lanes))),
        "labelExpr": f"{names}[datum.value]",
        "labels": labelled,
        "labelLimit": 0,
        "labelPadding": 8,
        "ticks": False,
        "domain": False,
        "grid": False,
    }
    scale = {"domain": [len(lanes) - 0.5, -0.5], "nice": False, "zero": False}
    return {"field": "lane", "type": "quantitative", "title": None, "axis": axis, "scale": scale}


def _mean_data(lanes: Sequence[Lane]) -> list[dict[str, Any]]:
    records = []
    for number, lane in enumerate(lanes):
        if lane.mean is not None:
            mean, low, high = lane.mean
            ends = {"low": mean if low is None else low, "high": mean if high is None else high}
            place = {"setting": lane.label, "lane": number + _BELOW}
            records.append(place | {"mean": mean} | ends)
    return records


def _dot_data(lanes: Sequence[Lane], axis: Axis) -> list[dict[str, Any]]:
    """A record a seed; where dots would hide each other, the later ones stand higher."""
    span = (axis.ends[1] - axis.ends[0]) if axis.ends else 1.0
    records = []
    for number, lane in enumerate(lanes):
        for (seed, value), level in zip(lane.values, _levels(lane.values, span), strict=True):
            place = {"setting": lane.label, "lane": number - _LIFT * level}
            records.append(place | {"seed": seed, "value": value})
    return records


def _levels(values: Sequence[tuple[int, float]], span: float) -> list[int]:
    """For each value the lowest level on which nothing is too near."""
    levels: list[int] = []
    for number, (_, value) in enumerate(values):
        near = {
            level
            for level, (_, other) in zip(levels, values[:number], strict=True)
            if abs(other - value) < _BESIDE * span
        }
        levels.append(next(level for level in range(number + 1) if level not in near))
    return levels


def _label(strip: Strip) -> str:
    return with_fate(strip.series.label, strip.diverged, strip.diverged + len(strip.values))


def _lane(label: str, strip: Strip, unit: int) -> Lane:
    values = tuple((seed, unit * value) for seed, value in strip.values)
    if strip.estimate is None:
        return Lane(label, values, None)
    told = (strip.estimate.mean, strip.estimate.low, strip.estimate.high)
    mean, low, high = (None if end is None else unit * end for end in told)
    return Lane(label, values, None if mean is None else (mean, low, high))


def _extents(strips: Iterable[Strip]) -> list[Extent]:
    """What the axis has to reach around: every seed, and the intervals as far as sensible."""
    seeds: list[Extent] = [(value, None, None) for strip in strips for _, value in strip.values]
    told = [strip.estimate for strip in strips if strip.estimate is not None]
    return seeds + [(estimate.mean, estimate.low, estimate.high) for estimate in told]
