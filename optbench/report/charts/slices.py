"""The objective along each searched value: a panel a value, a point a trial."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optbench.analysis.metric import Metric
from optbench.analysis.pictures.series import numbered
from optbench.report import words
from optbench.report.charts.axes import MARGIN, Axis, metric_axis
from optbench.report.charts.look import CROSS, MARKER
from optbench.report.charts.pen import Canvas, pen, tooltip, with_data
from optbench.report.charts.row import row
from optbench.report.charts.scales import ValueScale, name_of, value_scale
from optbench.report.search_results import labelled, searched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.analysis.search import ProblemSearch, Search
    from optbench.report.charts.pen import Pen, Spec

ACROSS = 3
WIDTH, HEIGHT = 230, 220
HOPELESS = 0.25  # of the trials, the worst: with an accuracy they stand at the edge
RING = 190  # square pixels


def slice_row(canvas: Canvas, number: int, problem: ProblemSearch) -> Spec:
    """A panel for each value that was searched, at most three in a line, over one legend."""
    series = numbered((one.label, one.family) for one in problem.searches)
    labels = [labelled(one) for one in problem.searches]
    told = pen(canvas, number, zip(labels, series, strict=True))
    named = dict(zip(told.labels, problem.searches, strict=True))
    axis, at_edge = _objective(canvas, problem)
    keys = dict.fromkeys(one.key for search in problem.searches for one in search.dimensions)
    panels = [
        _panel(key, named, problem, axis, told) for key in sorted(keys, key=lambda key: key != "lr")
    ]
    trials = [one for search in problem.searches for one in search.told]
    remarks = [
        searched(problem) if problem.sampler else "the settings of the grid",
        "ring: the best" + (" of each optimizer" if len(problem.searches) > 1 else ""),
        "×: diverged" if any(one.fate == "diverged" for one in trials) else "",
        "hollow: pruned, at its last value" if any(o.fate == "pruned" for o in trials) else "",
        "the worst quarter stands at the edge" if at_edge else "",
    ]
    lines = math.ceil(len(panels) / ACROSS)
    return row(problem.label, remarks, panels, told, across=math.ceil(len(panels) / lines))


def _objective(canvas: Canvas, problem: ProblemSearch) -> tuple[Axis, bool]:
    """The vertical axis, and whether some values lie beyond it."""
    values = sorted(problem.at_worst(one) for search in problem.searches for one in search.told)
    first = 0
    if problem.higher_is_better:
        first = int(HOPELESS * len(values))
    title = f"final {words.quantity(problem.objective)}"
    shown = [(value, None, None) for value in values[first:]]
    axis = metric_axis(canvas, Metric(problem.objective), title, shown)
    return axis, bool(first) and values[0] < values[first]


def _panel(
    key: str, named: dict[str, Search], problem: ProblemSearch, axis: Axis, told: Pen
) -> Spec:
    searches = {
        label: search
        for label, search in named.items()
        if any(one.key == key for one in search.dimensions)
    }
    dimensions = [one for each in searches.values() for one in each.dimensions if one.key == key]
    tried = [
        one.values[key] for each in searches.values() for one in each.tried if key in one.values
    ]
    scale = value_scale(dimensions, tried)
    records = [
        record
        for label, search in searches.items()
        for record in _records(label, search, scale, problem, axis.unit)
    ]
    return {
        "encoding": {"x": _across(scale), "color": told.colour()},
        "layer": with_data([_points(axis, told, records)]),
        "width": WIDTH,
        "height": HEIGHT,
    }


def _points(axis: Axis, told: Pen, records: Sequence[dict[str, Any]]) -> Spec:
    point: Spec = {"type": "point", "filled": True, "size": MARKER}
    tips = tooltip(
        setting=("optimizer", ""),
        trial=("trial", "d"),
        written=("value", ""),
        objective=("objective", ".4~g"),
        fate=("", ""),
    )
    shaped = {"shape": told.shape(), "opacity": told.opacity(0.75)}
    drawn: list[tuple[str, Spec, Spec]] = [
        ("datum.fate === 'completed'", point, shaped),
        (
            "datum.fate === 'pruned'",
            {"type": "point", "filled": False, "size": MARKER, "strokeWidth": 1.2},
            shaped,
        ),
        (
            "datum.fate === 'diverged'",
            {"type": "point", "shape": CROSS, "size": 30, "strokeWidth": 2},
            {"opacity": told.opacity(1)},
        ),
        (
            "datum.best",
            {"type": "point", "shape": "circle", "size": RING, "strokeWidth": 1.8},
            {"opacity": told.opacity(1)},
        ),
    ]
    return {
        "data": {"values": list(records)},
        "layer": [
            {
                "transform": [{"filter": wanted}, *axis.place("objective")],
                "mark": mark,
                "encoding": {"y": axis.encoding("objective"), "tooltip": tips} | channels,
            }
            for wanted, mark, channels in drawn
        ],
    }


def _records(
    label: str, search: Search, scale: ValueScale, problem: ProblemSearch, unit: int
) -> list[dict[str, Any]]:
    return [
        {
            "setting": label,
            "trial": one.position,
            "at": at,
            "written": scale.written(one.values[scale.key]),
            "objective": unit * problem.at_worst(one),
            "fate": one.fate,
            "best": one.number == search.best,
        }
        for one in search.told
        if scale.key in one.values and (at := scale.place(one.values[scale.key])) is not None
    ]


def _across(scale: ValueScale) -> Spec:
    low, high = scale.ends
    margin = 0 if scale.choices else MARGIN * (high - low)
    return {
        "field": "at",
        "type": "quantitative",
        "title": name_of(scale.key) + (" (log scale)" if scale.log else ""),
        "scale": {"domain": [low - margin, high + margin], "nice": False, "zero": False},
        "axis": {"grid": False, "labelOverlap": False} | scale.axis(5),
    }
