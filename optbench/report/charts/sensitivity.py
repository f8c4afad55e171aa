"""Final loss along the learning rate, with the untrained level and what diverged."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optbench.report import words
from optbench.report.charts.axes import loss_axis
from optbench.report.charts.look import CROSS, MARKER, MIDDLE_GREY
from optbench.report.charts.pen import Canvas, pen, tooltip, with_data
from optbench.report.charts.row import HIGH, WIDE, left_out, row, seeds_meant

if TYPE_CHECKING:
    from optbench.analysis.pictures.sensitivity import LrCurve, ProblemSensitivity, Stop
    from optbench.report.charts.axes import Axis, Extent
    from optbench.report.charts.pen import Pen, Spec


def sensitivity_row(canvas: Canvas, number: int, problem: ProblemSensitivity) -> Spec:
    """One panel over its legend."""
    told = pen(canvas, number, ((curve.series.label, curve.series) for curve in problem.curves))
    axis = loss_axis(canvas, f"final {words.quantity(problem.criterion)}", _extents(problem))
    named = dict(zip(told.labels, problem.curves, strict=True))
    stops = [stop for curve in problem.curves for stop in curve.stops]
    seeds = seeds_meant(len(stop.trials) for stop in stops)
    remarks = [
        f"line: mean of {seeds}" if seeds else "one seed",
        "faint dots: each seed" if seeds else "",
        "ring: the best learning rate",
        "×: a seed diverged and counts as untrained" if any(s.diverged for s in stops) else "",
        left_out(problem.left_out, "grid"),
    ]
    return row(problem.label, remarks, [_panel(problem, named, axis, told)], told)


def _panel(problem: ProblemSensitivity, named: dict[str, LrCurve], axis: Axis, told: Pen) -> Spec:
    stops = [_record(label, curve, stop) for label, curve in named.items() for stop in curve.stops]
    trials = [
        {"setting": label, "lr": stop.lr, "seed": trial.seed, "loss": trial.loss}
        for label, curve in named.items()
        for stop in curve.stops
        for trial in stop.trials
        if len(stop.trials) > 1 and not trial.diverged
    ]
    layers = [
        *_untrained(problem, axis),
        {
            "data": {"values": trials},
            "transform": axis.place("loss"),
            "mark": {"type": "point", "filled": True, "size": 26},
            "encoding": {"y": axis.encoding("loss"), "opacity": told.opacity(0.35, of_a_seed=True)},
        },
        {"data": {"values": stops}, "layer": _means(axis, told)},
    ]
    return {
        "encoding": {"x": _lr_channel(stops), "color": told.colour()},
        "layer": with_data(layers),
        "width": WIDE,
        "height": HIGH,
    }


def _means(axis: Axis, told: Pen) -> list[Spec]:
    """The line through the means, a marker at each, a ring at the best, a cross at the diverged."""
    drawn: list[tuple[str | None, Spec, Spec]] = [
        (None, {"type": "line", "strokeWidth": 2.2}, {"strokeDash": told.dash()}),
        (
            "!datum.diverged",
            {"type": "point", "filled": True, "size": MARKER},
            {"shape": told.shape(), "tooltip": _TIP} | told.reach(MARKER),
        ),
        ("datum.best", {"type": "point", "shape": "circle", "size": 190, "strokeWidth": 1.6}, {}),
        (
            "datum.diverged",
            {"type": "point", "shape": CROSS, "size": 70, "strokeWidth": 2.4},
            {"tooltip": _TIP} | told.reach(70),
        ),
    ]
    place = axis.place("mean")
    return [
        {
            "transform": [*place, *([{"filter": wanted}] if wanted else [])],
            "mark": mark,
            "encoding": {"y": axis.encoding("mean"), "opacity": told.opacity(1)} | encoding,
        }
        for wanted, mark, encoding in drawn
    ]


_TIP = tooltip(
    setting=("setting", ""),
    lr=("learning rate", "~g"),
    mean=("mean loss", ".4~g"),
    n=("seeds", "d"),
    diverged=("diverged", "d"),
)


def _untrained(problem: ProblemSensitivity, axis: Axis) -> list[Spec]:
    """A level line with its name."""
    if problem.untrained is None:
        return []
    grey = {"color": {"value": MIDDLE_GREY}, "y": axis.encoding("level")}
    text = {
        "type": "text",
        "align": "left",
        "baseline": "bottom",
        "dx": 2,
        "dy": -3,
        "fontSize": 12,
    }
    return [
        {
            "data": {"values": [{"level": problem.untrained, "text": "untrained"}]},
            "transform": axis.place("level"),
            "layer": [
                {
                    "mark": {"type": "rule", "strokeDash": [4, 3]},
                    "encoding": grey | {"x": {"value": 0}, "x2": {"value": WIDE}},
                },
                {
                    "mark": text,
                    "encoding": grey | {"x": {"value": 0}, "text": {"field": "text"}},
                },
            ],
        }
    ]


def _lr_channel(stops: list[dict[str, Any]]) -> Spec:
    """Always logarithmic, with a tick a decade."""
    lrs = [stop["lr"] for stop in stops]
    low, high = min(lrs), max(lrs)
    decades = range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
    ticks = [float(f"1e{decade}") for decade in decades]
    axis = {"values": ticks if len(ticks) > 1 else sorted(set(lrs)), "grid": False}
    return {
        "field": "lr",
        "type": "quantitative",
        "title": "learning rate (log scale)",
        "scale": {"type": "log", "nice": False, "padding": 14},
        "axis": axis | {"labelExpr": "replace(format(datum.value, '.2~e'), '+', '')"},
    }


def _record(label: str, curve: LrCurve, stop: Stop) -> dict[str, Any]:
    told = {"setting": label, "lr": stop.lr, "mean": stop.mean, "n": len(stop.trials)}
    return told | {"diverged": stop.diverged, "best": stop is curve.best}


def _extents(problem: ProblemSensitivity) -> list[Extent]:
    """What the axis has to reach around: all seeds, and the untrained level."""
    losses = [
        trial.loss for curve in problem.curves for stop in curve.stops for trial in stop.trials
    ]
    levels = [] if problem.untrained is None else [problem.untrained]
    return [(loss, None, None) for loss in losses + levels]
