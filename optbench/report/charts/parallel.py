"""Parallel coordinates: an axis a searched value, the objective last, a line a trial."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from optbench.analysis.pictures.series import numbered
from optbench.report import words
from optbench.report.charts.look import MIDDLE_GREY
from optbench.report.charts.pen import pen, tooltip
from optbench.report.charts.row import WIDE, row
from optbench.report.charts.scales import ValueScale, name_of, objective_scale, value_scale
from optbench.report.search_results import labelled, searched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.analysis.search import ProblemSearch, Search, Tried
    from optbench.report.charts.pen import Canvas, Spec

HEIGHT = 240
GOOD = 0.25  # of the trials, the best, are coloured
_LABEL = {"type": "text", "align": "right", "dx": -6, "fontSize": 12}


def parallel_row(canvas: Canvas, number: int, problem: ProblemSearch) -> Spec:
    """A panel an optimizer, one below the other; they are named, not in a legend."""
    series = numbered((one.label, one.family) for one in problem.searches)
    told = pen(canvas, number, ((one.label, one) for one in series))
    colours = [style.colour for style in told.drawn.values()]
    panels = [
        _panel(labelled(search), colour, search, problem, halo=not canvas.interactive)
        for label, colour, search in zip(told.labels, colours, problem.searches, strict=True)
        if search.dimensions and search.told
    ]
    trials = [one for search in problem.searches for one in search.told]
    remarks = [
        searched(problem) if problem.sampler else "the settings of the grid",
        f"coloured: the best quarter by {words.quantity(problem.objective)}",
        "thick: the best",
        "dashed: diverged" if any(one.fate == "diverged" for one in trials) else "",
        "dotted: pruned" if any(one.fate == "pruned" for one in trials) else "",
    ]
    return row(problem.label, remarks, panels, across=1)


def _panel(title: str, colour: str, search: Search, problem: ProblemSearch, *, halo: bool) -> Spec:
    scales = [*_scales(search), objective_scale(problem, search)]
    lines = [record for one in search.told for record in _line(one, scales, search, problem)]
    return {
        "title": {"text": title, "fontSize": 14, "anchor": "start"},
        "encoding": {"x": _axes(scales), "y": _UP},
        "layer": [_rules(scales), *_lines(lines, colour), *_ticks(scales, halo=halo)],
        "width": WIDE,
        "height": HEIGHT,
    }


_UP: Spec = {
    "field": "at",
    "type": "quantitative",
    "axis": None,
    "scale": {"domain": [0, 1], "nice": False, "padding": 6},
}


def _scales(search: Search) -> list[ValueScale]:
    """Of the searched values, the learning rate first."""
    ordered = sorted(search.dimensions, key=lambda one: one.key != "lr")
    return [
        value_scale(
            [one], [each.values[one.key] for each in search.tried if one.key in each.values]
        )
        for one in ordered
    ]


def _axes(scales: Sequence[ValueScale]) -> Spec:
    names = [name_of(scale.key) for scale in scales[:-1]] + [words.quantity(scales[-1].key)]
    return {
        "field": "axis",
        "type": "quantitative",
        "title": None,
        "axis": {
            "orient": "bottom",
            "values": list(range(len(scales))),
            "labelExpr": f"{json.dumps(names)}[datum.value]",
            "labelLimit": 0,
            "labelOverlap": False,
            "grid": False,
            "ticks": False,
            "domain": False,
        },
        "scale": {"domain": [-0.35, len(scales) - 0.85], "nice": False},
    }


def _rules(scales: Sequence[ValueScale]) -> Spec:
    records = [{"axis": place, "at": 0, "top": 1} for place in range(len(scales))]
    return {
        "data": {"values": records},
        "mark": {"type": "rule", "color": MIDDLE_GREY, "strokeWidth": 1},
        "encoding": {"y2": {"field": "top"}},
    }


def _ticks(scales: Sequence[ValueScale], *, halo: bool) -> list[Spec]:
    """What is written beside the axes; on paper with white around it, for lines run below."""
    records = [
        {"axis": place, "at": scale.share(at), "text": text}
        for place, scale in enumerate(scales)
        for at, text in scale.ticks(6)
    ]
    white = {"stroke": "white", "strokeWidth": 4, "strokeJoin": "round"}
    marks = [*([_LABEL | white] if halo else []), _LABEL]
    return [
        {"data": {"values": records}, "mark": mark, "encoding": {"text": {"field": "text"}}}
        for mark in marks
    ]


def _lines(records: list[dict[str, Any]], colour: str) -> list[Spec]:
    """The many below, the good above them, the best on top."""
    drawn: list[tuple[str, Spec]] = [
        ("rest", {"color": MIDDLE_GREY, "opacity": 0.45, "strokeWidth": 1}),
        ("pruned", {"color": MIDDLE_GREY, "opacity": 0.7, "strokeWidth": 1, "strokeDash": [1, 3]}),
        (
            "diverged",
            {"color": MIDDLE_GREY, "opacity": 0.8, "strokeWidth": 1, "strokeDash": [6, 4]},
        ),
        ("good", {"color": colour, "opacity": 0.75, "strokeWidth": 1.4}),
        ("best", {"color": colour, "opacity": 1, "strokeWidth": 3.4}),
    ]
    tips = tooltip(trial=("trial", "d"), told=("", ""))
    found = {rank: [one for one in records if one["rank"] == rank] for rank, _ in drawn}
    return [
        {
            "data": {"values": found[rank]},
            "mark": {"type": "line"} | mark,
            "encoding": {"detail": {"field": "trial"}, "order": {"field": "axis"}, "tooltip": tips},
        }
        for rank, mark in drawn
        if found[rank]
    ]


def _line(
    one: Tried, scales: Sequence[ValueScale], search: Search, problem: ProblemSearch
) -> list[dict[str, Any]]:
    values = [*(one.values.get(scale.key) for scale in scales[:-1]), problem.at_worst(one)]
    told = ", ".join(
        f"{scale.key}={scale.written(value)}" for scale, value in zip(scales, values, strict=True)
    )
    placed = [
        (place, scale.place(value))
        for place, (scale, value) in enumerate(zip(scales, values, strict=True))
    ]
    rank = _rank(one, search, problem)
    return [
        {
            "trial": one.position,
            "axis": place,
            "at": scales[place].share(at),
            "rank": rank,
            "told": told,
        }
        for place, at in placed
        if at is not None
    ]


def _rank(one: Tried, search: Search, problem: ProblemSearch) -> str:
    if one.number == search.best:
        return "best"
    if one.fate != "completed":
        return one.fate
    sign = -1 if problem.higher_is_better else 1
    ordered = sorted(sign * problem.at_worst(other) for other in search.told)
    return "good" if sign * problem.at_worst(one) <= ordered[int(GOOD * len(ordered))] else "rest"
