"""Learning curves: train loss and the metric side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.report import words
from optbench.report.charts.axes import loss_axis, metric_axis
from optbench.report.charts.pen import Canvas, pen
from optbench.report.charts.row import left_out, row, seeds_meant, with_fate
from optbench.report.charts.strips import Lane, strip_panel
from optbench.report.charts.traces import WIDTH, TracePanel, trace_panel
from optbench.report.table import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optbench.analysis.pictures.curves import Curve, ProblemCurves, Trace
    from optbench.report.charts.axes import Extent
    from optbench.report.charts.pen import Pen, Spec


def curve_row(canvas: Canvas, number: int, problem: ProblemCurves) -> Spec:
    """Both panels over their legend; where each setting has a single point, dots in rows."""
    labels = {_label(curve): curve for curve in problem.curves}
    told = pen(canvas, number, ((label, curve.series) for label, curve in labels.items()))
    panels = _panels(canvas, problem, labels)
    dots = all(panel.is_dots for panel in panels)
    remarks = _remarks(problem, dots=dots)
    if dots:
        strips = [_strips(panel, told, first=not index) for index, panel in enumerate(panels)]
        return row(problem.label, remarks, strips)
    return row(problem.label, remarks, [trace_panel(panel, told) for panel in panels], told)


def _panels(
    canvas: Canvas, problem: ProblemCurves, labels: Mapping[str, Curve]
) -> tuple[TracePanel, TracePanel]:
    """An axis ends where the settings that did not diverge do."""
    steady = [curve for curve in problem.curves if curve.completed] or problem.curves
    metric = problem.metric
    loss = loss_axis(canvas, "train loss", _extents(curve.loss for curve in steady))
    values = _extents(curve.metric for curve in steady)
    value = metric_axis(canvas, metric, words.quantity(metric.name), values)
    written = {safe_text(label): curve for label, curve in labels.items()}
    return (
        TracePanel({label: curve.loss for label, curve in written.items()}, loss, problem.unit),
        TracePanel({label: curve.metric for label, curve in written.items()}, value, problem.unit),
    )


def _extents(traces: Iterable[Trace]) -> list[Extent]:
    return [(point.mean, point.low, point.high) for trace in traces for point in trace.mean]


def _strips(panel: TracePanel, told: Pen, *, first: bool) -> Spec:
    """The only point of each setting in a row of its own."""
    unit = panel.axis.unit
    lanes = []
    for label, trace in panel.traces.items():
        mean = trace.mean[0] if trace.mean else None
        values = [
            (curve.seed, unit * curve.samples[0].value)
            for curve in trace.seeds
            if curve.samples and not curve.diverged
        ]
        lanes.append(Lane(label, tuple(values), None if mean is None else panel.drawn(mean)))
    return strip_panel(lanes, panel.axis, told, labelled=first, width=WIDTH)


def _label(curve: Curve) -> str:
    return with_fate(curve.series.label, curve.diverged, curve.completed + curve.diverged)


def _remarks(problem: ProblemCurves, *, dots: bool) -> list[str]:
    number = seeds_meant(curve.completed for curve in problem.curves)
    shape = "line" if dots else "band"
    seeds = f"mean of {number}, {shape}: 95% t interval" if number else "one seed"
    faint = f"{'dots' if dots else 'faint'}: each seed" if number else ""
    crosses = any(curve.diverged for curve in problem.curves) and not dots
    have = "setting has" if problem.unfinished == 1 else "settings have"
    return [
        seeds if any(curve.completed for curve in problem.curves) else "",
        faint,
        "×: a seed diverged" if crosses else "",
        _moment(problem) if dots else "",
        "at the seeds' mean seconds" if problem.unit == "seconds" and number else "",
        left_out(problem.left_out),
        f"{problem.unfinished} {have} no finished seed" if problem.unfinished else "",
    ]


def _moment(problem: ProblemCurves) -> str:
    """`after 1 epoch`: when the only points were measured."""
    traces = [trace for curve in problem.curves for trace in (curve.loss, curve.metric)]
    epochs = {point.epoch for trace in traces for point in trace.mean}
    if len(epochs) != 1:
        return "last evaluation"
    (epoch,) = epochs
    return f"after {epoch:g} epoch{'' if epoch == 1 else 's'}"
