"""Paths over contours, and beside them the value over the steps, as one Vega-Lite specification."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optbench.analysis.pictures.trajectory import RIM
from optbench.report.charts.axes import even_ticks, log_ticks
from optbench.report.charts.look import CROSS, MARKER, SIZES, merged, page_colours
from optbench.report.charts.pen import Canvas, pen, tooltip
from optbench.report.charts.row import row, with_fate
from optbench.report.charts.specification import SCHEMA
from optbench.report.trajectory.contours import contour_image
from optbench.report.trajectory.table import remarks, title

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.analysis.pictures.trajectory import Trace, TrajectoryPicture
    from optbench.catalog.objectives.path import Point
    from optbench.report.charts.pen import Pen, Spec

STEP = "step"  # the parameter that says how far the paths are drawn
AREA = 190_000  # square pixels of the map
WIDEST = 560
BESIDE = 400  # pixels, the width of the panel of values
_DECADES = 14  # below the highest value that are shown at most
_ABOVE = 100  # times the value at the start: a jump further up would press all else together
_STAR = (
    "M0,-1L.2245,-.309L.9511,-.309L.3633,.118L.5878,.809L0,.382"
    "L-.5878,.809L-.3633,.118L-.9511,-.309L-.2245,-.309Z"
)


def map_size(window: tuple[tuple[float, float], tuple[float, float]]) -> tuple[int, int]:
    """Width and height of the map in pixels: one scale for x and y unless it is very long."""
    (left, right), (low, high) = window
    ratio = min(max((high - low) / (right - left), 0.5), 1.6)
    width = min(round(math.sqrt(AREA / ratio)), WIDEST)
    return width, round(width * ratio)


def trajectory_specification(
    picture: TrajectoryPicture,
    *,
    interactive: bool,
    until: int | None = None,
    contours: bool = True,
) -> Spec:
    """The picture with paths up to the step `until`, or their ends; plain data that JSON holds.

    Interactive as in `chart_specification`, the parameter `STEP` being the page's to move. Without
    contours there are neither text nor axes: that is laid over the same picture with them.
    """
    canvas = Canvas(frozenset(t.series.family for t in picture.traces), interactive, log=True)
    labels = [with_fate(trace.series.label, trace.diverged, 1) for trace in picture.traces]
    told = pen(canvas, 0, zip(labels, (trace.series for trace in picture.traces), strict=True))
    records = [
        record
        for label, trace in zip(told.labels, picture.traces, strict=True)
        for record in _records(label, trace, picture.trajectories.window)
    ]
    panels = [_map(picture, told, contours=contours), _values(picture, told)]
    colours = {} if interactive else page_colours(dark=False)
    return {
        "$schema": SCHEMA,
        "params": [{"name": STEP, "value": picture.steps[-1] if until is None else until}],
        "background": "transparent" if interactive or not contours else "white",
        "config": merged(SIZES, colours if contours else _unseen(colours)),
        "data": {"values": records},
        **row(title(picture.trajectories), _remarks(picture), panels, told),
        "resolve": {"scale": dict.fromkeys(("color", "strokeDash", "shape"), "independent")},
    }


def _unseen(colours: Spec) -> Spec:
    """The same configuration with nothing to see, and every place kept."""
    return {
        part: _unseen(value) if isinstance(value, dict) else "transparent"
        for part, value in colours.items()
    }


def _records(label: str, trace: Trace, window: Sequence[Point]) -> Iterator[dict[str, object]]:
    lost = trace.last_seen if trace.diverged else None
    for stop in trace.stops:
        until = 1e9 if math.isinf(stop.until) else stop.until
        place = {"step": stop.step, "until": until, "x": stop.x, "y": stop.y, "gap": stop.gap}
        record = {"setting": label, **place, "lost": stop is lost}
        if stop is lost:
            record["lost_x"], record["lost_y"] = trace.lost_at(window)
        yield record


def _remarks(picture: TrajectoryPicture) -> list[str]:
    star = "minimum" if len(picture.trajectories.objective.minima) == 1 else "minima"
    lost = any(trace.diverged for trace in picture.traces)
    return [
        *remarks(picture.trajectories),
        f"star: {star}",
        "×: where one was last seen that diverged" if lost else "",
    ]


def _map(picture: TrajectoryPicture, told: Pen, *, contours: bool) -> Spec:
    width, height = map_size(picture.trajectories.window)
    layers = [_image(picture, width, height)] if contours else []
    return {
        "layer": [*layers, *_places(picture), *_drawn(told, ("x", "y"), ("lost_x", "lost_y"))],
        "encoding": {
            axis: {"type": "quantitative", "title": axis} | _ends(ends, count)
            for axis, ends, count in zip(
                ("x", "y"), picture.trajectories.window, (width // 60, height // 60), strict=True
            )
        },
        "width": width,
        "height": height,
    }


def _ends(ends: tuple[float, float], count: int) -> Spec:
    return {
        "scale": {"domain": list(ends), "nice": False, "zero": False},
        "axis": {"grid": False, "labelFlush": False, "values": even_ticks(*ends, max(count, 3))},
    }


def _image(picture: TrajectoryPicture, width: int, height: int) -> Spec:
    return {
        "data": {"values": [{"url": contour_image(picture)}]},
        "mark": {"type": "image", "width": width, "height": height, "align": "left",
                 "baseline": "top", "aspect": False},
        "encoding": {"url": {"field": "url"}, "x": {"value": 0}, "y": {"value": 0}},
    }  # fmt: skip


def _places(picture: TrajectoryPicture) -> Iterator[Spec]:
    """The minima inside the window, and the start."""
    (left, right), (low, high) = picture.trajectories.window
    minima = [
        {"x": x, "y": y}
        for x, y in picture.trajectories.objective.minima
        if left <= x <= right and low <= y <= high
    ]
    x, y = picture.trajectories.start
    encoding = {axis: {"field": axis, "type": "quantitative"} for axis in ("x", "y")}
    star = {"type": "point", "shape": _STAR, "size": 260, "fill": "white", "stroke": "#222222"}
    ring = {"type": "point", "shape": "circle", "size": 110, "stroke": "#222222", "fill": "white"}
    for values, mark in ((minima, star), ([{"x": x, "y": y}], ring)):
        if values:
            yield {
                "data": {"values": values},
                "mark": {**mark, "opacity": 1, "strokeWidth": 1.2},
                "encoding": encoding,
            }


def _drawn(told: Pen, at: tuple[str, str], lost_at: tuple[str, str]) -> list[Spec]:
    """Lines, a marker where each is at that step, and a cross where one was last seen."""
    look = {"color": told.colour(), "opacity": told.opacity(1)}
    common = _place(at) | look
    tips = tooltip(setting=("setting", ""), step=("step", ","), x=("x", ".5~g"), y=("y", ".5~g"),
                   gap=("above the minimum", ".4~g"))  # fmt: skip
    line = {"type": "line", "strokeWidth": 2, "strokeJoin": "round", "clip": True}
    head = {"type": "point", "filled": True, "size": 2 * MARKER, "clip": True,
            "stroke": "white", "strokeWidth": 0.8}  # fmt: skip
    cross = {"type": "point", "shape": CROSS, "size": 70, "strokeWidth": 2.5, "clip": True}
    return [
        {
            "transform": [{"filter": f"datum.step <= {STEP}"}],
            "mark": line,
            "encoding": common | {"order": {"field": "step"}, "strokeDash": told.dash()},
        },
        {
            "transform": [{"filter": f"datum.step <= {STEP} && {STEP} < datum.until"}],
            "mark": head,
            "encoding": common | {"shape": told.shape(), "tooltip": tips},
        },
        {
            "transform": [{"filter": f"datum.lost && datum.step <= {STEP}"}],
            "mark": cross,
            "encoding": _place(lost_at) | look | {"tooltip": tips},
        },
    ]


def _place(at: tuple[str, str]) -> Spec:
    fields = zip(("x", "y"), at, strict=True)
    return {axis: {"field": field, "type": "quantitative"} for axis, field in fields}


def _values(picture: TrajectoryPicture, told: Pen) -> Spec:
    low, high = _gap_ends(picture)
    last, at = picture.steps[-1], ("step", "gap")
    rim = RIM * last
    ticks = even_ticks(0, last, 6, smallest=1.0)
    return {
        "layer": _drawn(told, at, at),
        "encoding": {
            "x": {
                "type": "quantitative",
                "title": "step",
                "scale": {"domain": [-rim, last + rim], "nice": False},
                "axis": {"grid": False, "values": ticks, "format": "~s" if last >= 10_000 else "d"},
            },
            "y": {
                "type": "quantitative",
                "title": "value above the minimum (log scale)",
                "scale": {"type": "log", "domain": [low, high], "nice": False},
                "axis": {"grid": True, "values": log_ticks(low, high), "format": "~g"},
            },
        },
        "width": BESIDE,
        "height": map_size(picture.trajectories.window)[1],
    }


def _gap_ends(picture: TrajectoryPicture) -> tuple[float, float]:
    """Around the values of what did not diverge, and at most so many decades; jumps are cut."""
    steady = [trace for trace in picture.traces if not trace.diverged] or picture.traces
    gaps = [stop.gap for trace in steady for stop in trace.stops]
    start = picture.traces[0].stops[0].gap
    highest = min(max(*gaps, start), _ABOVE * start) * 1.5
    return max(min(gaps) / 1.5, highest * 10.0**-_DECADES), highest
