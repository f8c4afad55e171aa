"""Training curves as a picture: one Vega-Lite specification for PNG, SVG and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.comparison import Comparison
from optbench.analysis.curves import problem_curves
from optbench.errors import UsageError
from optbench.report.legend import INK, Styles, legend
from optbench.report.panels import (
    WIDTH,
    Panel,
    curve_panel,
    dot_panel,
    loss_axis,
    metric_axis,
    unit,
)
from optbench.report.table import safe_text
from optbench.store.atomic import write_output

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import altair

    from optbench.analysis.curves import Curve, ProblemCurves

SUFFIXES = (".png", ".svg", ".html")
SCALE = 3  # pixels a unit, for print

GAP = 32  # pixels between the panels of a row

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Training curves</title></head>
<body>
<div id="chart"></div>
<script>{script}</script>
<script>
vegaEmbed("#chart", {specification}, {{renderer: "svg", actions: {{export: true, source: false,
  compiled: false, editor: false}}}});
</script>
</body>
</html>
"""

GREY, PALE = "#666666", "#E6E6E6"


def save_chart(
    shown: Comparison | Sequence[ProblemCurves], path: Path, *, scale: float = SCALE
) -> None:
    """Draw the curves into a .png, .svg or .html file, which replaces an older one whole.

    The HTML needs no network. Raises UsageError for another suffix, StoreError if the file
    can't be written.
    """
    if path.suffix not in SUFFIXES:
        listed = ", ".join(SUFFIXES)
        raise UsageError(f"{path}: a chart's name must end in {listed}, got {path.suffix!r}")
    problems = problem_curves(shown) if isinstance(shown, Comparison) else shown
    content = _drawn(build_chart(problems), path.suffix, scale)
    write_output(path, content)


def build_chart(problems: Sequence[ProblemCurves]) -> altair.VConcatChart:
    """A row of two panels a problem: train loss on a log scale, and the metric."""
    import altair as alt

    chart: altair.VConcatChart = (
        alt.vconcat(*map(_problem_row, problems), spacing=40, background="white")
        .resolve_scale(color="independent", strokeDash="independent", shape="independent")
        .configure(font="Helvetica, Arial, Liberation Sans, sans-serif", padding=14)
        .configure_view(stroke=None)
        .configure_axis(
            labelFontSize=13,
            titleFontSize=14,
            titleFontWeight="normal",
            titlePadding=8,
            gridColor=PALE,
            domainColor=GREY,
            tickColor=GREY,
            labelColor=INK,
            titleColor=INK,
        )
        .configure_title(fontSize=16, subtitleFontSize=13, subtitleColor=GREY, anchor="start")
    )
    return chart


def _problem_row(problem: ProblemCurves) -> altair.VConcatChart:
    """Two panels under a title and, for curves, over a legend."""
    import altair as alt

    panels = _panels(problem)
    title = alt.TitleParams(safe_text(problem.label), subtitle=_subtitle(problem), offset=16)
    if all(panel.is_dots for panel in panels):
        dots = [dot_panel(panel, labelled=not index) for index, panel in enumerate(panels)]
        return alt.vconcat(alt.hconcat(*dots, spacing=GAP), title=title)
    curves = alt.hconcat(*map(curve_panel, panels), spacing=GAP)
    below = legend(Styles(tuple(panels[0].lines)), 2 * WIDTH + 2 * GAP)
    row: altair.VConcatChart = alt.vconcat(curves, below, spacing=18, title=title)
    return row


def _panels(problem: ProblemCurves) -> tuple[Panel, Panel]:
    """Train loss and the metric; an axis ends where the settings that did not diverge do."""
    curves, metric = problem.curves, problem.metric
    steady = [curve for curve in curves if curve.completed] or curves
    losses = [point for curve in steady for point in curve.loss]
    values = [point for curve in steady for point in curve.metric]
    return (
        Panel({_label(curve): curve.loss for curve in curves}, loss_axis(losses)),
        Panel(
            {_label(curve): curve.metric for curve in curves},
            metric_axis(values, metric),
            unit(metric),
        ),
    )


def _label(curve: Curve) -> str:
    label = safe_text(curve.label)
    if not curve.diverged:
        return label
    seeds = curve.completed + curve.diverged
    return (
        f"{label} (diverged)" if seeds == 1 else f"{label} ({curve.diverged} of {seeds} diverged)"
    )


def _subtitle(problem: ProblemCurves) -> str:
    dots = all(panel.is_dots for panel in _panels(problem))
    seeds = sorted({curve.completed for curve in problem.curves if curve.completed})
    parts = []
    if seeds and seeds[-1] > 1:
        number = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
        parts.append(f"mean of {number} seeds, {'line' if dots else 'band'}: 95% t interval")
    elif seeds:
        parts.append("one seed")
    if dots:
        parts.append(_moment(problem))
    if problem.left_out:
        others = "setting" if problem.left_out == 1 else "settings"
        parts.append(f"best setting of each optimizer, {problem.left_out} other {others} left out")
    if problem.unfinished:
        have = "setting has" if problem.unfinished == 1 else "settings have"
        parts.append(f"{problem.unfinished} {have} no finished seed")
    return "; ".join(parts)


def _moment(problem: ProblemCurves) -> str:
    """`after 1 epoch`: when the only points were measured."""
    epochs = {point.epoch for curve in problem.curves for point in curve.loss + curve.metric}
    if len(epochs) != 1:
        return "last evaluation"
    (epoch,) = epochs
    return f"after {epoch:g} epoch{'' if epoch == 1 else 's'}"


def _drawn(chart: altair.VConcatChart, suffix: str, scale: float) -> bytes:
    import vl_convert

    specification = chart.to_json(indent=None)
    if suffix == ".png":
        return bytes(vl_convert.vegalite_to_png(specification, scale=scale))
    if suffix == ".svg":
        return str(vl_convert.vegalite_to_svg(specification)).encode()
    # Altair's own page would let a label that holds "</script>" end the script.
    data = specification.replace("<", "\\u003c")
    script = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub is too strict
    return _PAGE.format(script=script, specification=data).encode()
