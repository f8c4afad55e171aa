"""What the best of k settings is expected to score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.report import words
from optbench.report.charts.axes import even_ticks, metric_axis
from optbench.report.charts.look import MARKER
from optbench.report.charts.pen import Canvas, pen, tooltip
from optbench.report.charts.row import HIGH, WIDE, row, with_fate

if TYPE_CHECKING:
    from optbench.analysis.pictures.tuning import ProblemTuning, TuningCurve
    from optbench.report.charts.axes import Extent
    from optbench.report.charts.pen import Pen, Spec


def tuning_row(canvas: Canvas, number: int, problem: ProblemTuning) -> Spec:
    """One panel over its legend."""
    told = pen(canvas, number, ((_label(curve), curve.series) for curve in problem.curves))
    shown: list[Extent] = [(x, None, None) for curve in problem.curves for x in curve.expected]
    title = f"expected {words.quantity(problem.metric.name)}"
    axis = metric_axis(canvas, problem.metric, title, shown)
    records = [
        {"setting": label, "k": k, "expected": axis.unit * value}
        for label, curve in zip(told.labels, problem.curves, strict=True)
        for k, value in enumerate(curve.expected, start=1)
    ]
    most = max(len(curve.expected) for curve in problem.curves)
    panel: Spec = {
        "data": {"values": records},
        "transform": axis.place("expected"),
        "encoding": {
            "x": _tried(most),
            "y": axis.encoding("expected"),
            "color": told.colour(),
            "opacity": told.opacity(1),
        },
        "layer": _marks(told),
        "width": WIDE,
        "height": HIGH,
    }
    return row(problem.label, _remarks(problem), [panel], told)


def _tried(most: int) -> Spec:
    ticks = even_ticks(1, most, 10, smallest=1.0)
    return {
        "field": "k",
        "type": "quantitative",
        "title": "settings tried, in random order",
        "scale": {"domain": [1, most], "nice": False, "padding": 10},
        "axis": {"grid": False, "format": "d", "values": ticks},
    }


def _marks(told: Pen) -> list[Spec]:
    tips = tooltip(
        setting=("setting", ""), k=("settings tried", "d"), expected=("expected", ".4~g")
    )
    return [
        {"mark": {"type": "line", "strokeWidth": 2.2}, "encoding": {"strokeDash": told.dash()}},
        {
            "mark": {"type": "point", "filled": True, "size": MARKER},
            "encoding": {"shape": told.shape(), "tooltip": tips},
        },
    ]


def _remarks(problem: ProblemTuning) -> list[str]:
    chosen = words.quantity(problem.criterion)
    others = "optimizer has" if problem.left_out == 1 else "optimizers have"
    return [
        f"the best of k settings by {chosen}, k drawn at random from those of the grid",
        "exact for this grid; no band, since a grid is no random search",
        f"{problem.left_out} {others} too few settings" if problem.left_out else "",
    ]


def _label(curve: TuningCurve) -> str:
    return with_fate(curve.series.label, curve.diverged, len(curve.expected))
