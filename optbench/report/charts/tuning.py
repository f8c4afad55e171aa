"""What the best of k trials is worth, or of k settings of a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.report import words
from optbench.report.charts.axes import even_ticks, metric_axis
from optbench.report.charts.look import MARKER
from optbench.report.charts.pen import Canvas, pen, tooltip, with_data
from optbench.report.charts.row import HIGH, WIDE, row
from optbench.report.charts.traces import BAND, MOST_MARKED
from optbench.report.search_results import labelled, searched

if TYPE_CHECKING:
    from optbench.analysis.pictures.tuning import ProblemTuning, TuningCurve
    from optbench.report.charts.axes import Axis, Extent
    from optbench.report.charts.pen import Pen, Spec

FIRST_SHOWN = 0.1  # of the trials: what fewer are worth would take the panel for itself


def tuning_row(canvas: Canvas, number: int, problem: ProblemTuning) -> Spec:
    """One panel over its legend."""
    told = pen(canvas, number, ((_label(curve), curve.series) for curve in problem.curves))
    found = problem.found
    expected = found.is_sample or found.sampler is None
    title = f"{'expected ' if expected else ''}{words.quantity(found.metric.name)}"
    axis = metric_axis(canvas, found.metric, f"{title} of the best", _extents(problem))
    named = dict(zip(told.labels, problem.curves, strict=True))
    records = [record for label, curve in named.items() for record in _records(label, curve, axis)]
    layers = [{"data": {"values": records}, "layer": _marks(axis, told, stairs=not expected)}]
    if not expected:
        tries = [one for label, curve in named.items() for one in _tries(label, curve, axis)]
        layers.append(_dots(axis, told, tries))
    panel: Spec = {
        "encoding": {"x": _tried(problem), "color": told.colour()},
        "layer": with_data(layers),
        "width": WIDE,
        "height": HIGH,
    }
    return row(found.label, _remarks(problem), [panel], told)


def _tried(problem: ProblemTuning) -> Spec:
    most = max(len(curve.search.tried) for curve in problem.curves)
    kind = "settings tried, in random order" if problem.found.sampler is None else "trials"
    return {
        "field": "k",
        "type": "quantitative",
        "title": kind,
        "scale": {"domain": [1, most], "nice": False, "padding": 10},
        "axis": {"grid": False, "format": "d", "values": even_ticks(1, most, 10, smallest=1.0)},
    }


def _marks(axis: Axis, told: Pen, *, stairs: bool) -> list[Spec]:
    tips = tooltip(
        setting=("optimizer", ""),
        k=("trials", "d"),
        best=("best", ".4~g"),
        low=("95% from", ".4~g"),
        high=("95% to", ".4~g"),
    )
    place = axis.place("best")
    line: Spec = {"type": "line", "strokeWidth": 2.2, "clip": True}
    return [
        {
            "transform": [
                {"filter": "isValid(datum.low)"}, *axis.place("low"), *axis.place("high")
            ],
            "mark": {"type": "area", "clip": True},
            "encoding": {
                "y": _upright(axis, "low"),
                "y2": {"field": "high_at"},
                "opacity": told.opacity(BAND),
            },
        },
        {
            "transform": place,
            "mark": line | ({"interpolate": "step-after"} if stairs else {}),
            "encoding": {
                "y": _upright(axis, "best"),
                "strokeDash": told.dash(),
                "opacity": told.opacity(1),
            },
        },
        {
            "transform": [*place, {"filter": "datum.marked"}],
            "mark": {"type": "point", "filled": True, "size": MARKER, "clip": True},
            "encoding": {
                "y": _upright(axis, "best"),
                "shape": told.shape(),
                "opacity": told.opacity(1),
                "tooltip": tips,
            },
        },
    ]  # fmt: skip


def _upright(axis: Axis, field: str) -> Spec:
    """What lies beyond the panel is cut off there, not moved to its edge."""
    channel = axis.encoding(field)
    return channel | {"scale": channel["scale"] | {"clamp": False}}


def _dots(axis: Axis, told: Pen, tries: list[dict[str, Any]]) -> Spec:
    """Every trial that was trained to its end, at its own value."""
    tips = tooltip(setting=("optimizer", ""), k=("trial", "d"), value=("its own", ".4~g"))
    return {
        "data": {"values": tries},
        "transform": axis.place("value"),
        "mark": {"type": "point", "filled": True, "size": 22, "clip": True},
        "encoding": {
            "y": _upright(axis, "value"),
            "opacity": told.opacity(0.4),
            "tooltip": tips,
        },
    }


def _extents(problem: ProblemTuning) -> list[Extent]:
    """The curves without their beginnings, and the bands there."""
    return [
        (budget.value, budget.low, budget.high)
        for curve in problem.curves
        for budget in curve.budgets
        if budget.k > FIRST_SHOWN * len(curve.search.tried)
    ]


def _records(label: str, curve: TuningCurve, axis: Axis) -> list[dict[str, Any]]:
    """A record a number of trials; of many every so many are marked, the last one too."""
    step = -(-len(curve.budgets) // MOST_MARKED)
    return [
        {
            "setting": label,
            "k": budget.k,
            "best": axis.unit * budget.value,
            "low": None if budget.low is None else axis.unit * budget.low,
            "high": None if budget.high is None else axis.unit * budget.high,
            "marked": (len(curve.budgets) - place) % step == 0,
        }
        for place, budget in enumerate(curve.budgets, start=1)
    ]


def _tries(label: str, curve: TuningCurve, axis: Axis) -> list[dict[str, Any]]:
    return [
        {"setting": label, "k": k, "value": axis.unit * one.metric}
        for k, one in enumerate(curve.search.tried, start=1)
        if one.fate == "completed" and one.metric is not None
    ]


def _remarks(problem: ProblemTuning) -> list[str]:
    found = problem.found
    chosen = words.quantity(found.objective)
    others = "optimizer has" if problem.left_out == 1 else "optimizers have"
    banded = any(budget.low is not None for curve in problem.curves for budget in curve.budgets)
    if found.sampler is None:
        told = [
            f"the best of k settings by {chosen}, k drawn at random from those of the grid",
            "exact for this grid; no band, since a grid is no random search",
        ]
    elif found.is_sample:
        told = [
            searched(found),
            f"the best of k of them by {chosen}",
            "band: 95% bootstrap, up to a quarter of the trials" if banded else "",
            "no band: too few trials" if not banded else "",
        ]
    else:
        told = [
            searched(found),
            f"the best so far by {chosen}; dots: each trial",
            "no band: one search, whose trials follow from each other",
        ]
    return [
        *told,
        f"{problem.left_out} {others} too few settings" if problem.left_out else "",
    ]


def _label(curve: TuningCurve) -> str:
    return labelled(curve.search)
