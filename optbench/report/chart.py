"""Training curves as a picture: one Vega-Lite specification for PNG, SVG and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.analysis.comparison import Comparison
from optbench.analysis.curves import problem_curves
from optbench.errors import UsageError
from optbench.report import words
from optbench.report.axes import epoch_ticks, limits, log_ticks
from optbench.report.table import safe_text
from optbench.store.atomic import write_atomic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import altair

    from optbench.analysis.curves import Curve, Point, ProblemCurves
    from optbench.analysis.metric import Metric

    Lines = dict[str, tuple[Point, ...]]  # by the curve's label

SUFFIXES = (".png", ".svg", ".html")
SCALE = 3  # pixels a unit, for print

# Okabe & Ito, "Color Universal Design" (2008), without yellow, which is lost on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
DASHES = ([1, 0], [6, 3], [2, 2], [10, 3, 2, 3], [14, 4], [5, 2, 1, 2, 1, 2])
WIDTH, HEIGHT = 340, 250
LEGEND_WIDTH = 108  # characters of labels in one line of the legend
MOST_MARKED = 20  # epochs up to which each one gets a point

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

INK, GREY, PALE = "#222222", "#666666", "#E6E6E6"


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
    write_atomic(path, content, durable=False)  # a picture is drawn again


def build_chart(problems: Sequence[ProblemCurves]) -> altair.VConcatChart:
    """A row of two panels a problem: train loss on a log scale, and the metric."""
    import altair as alt

    chart: altair.VConcatChart = (
        alt.vconcat(*map(_problem_row, problems), spacing=40, background="white")
        .resolve_scale(color="independent", strokeDash="independent")
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
        .configure_legend(labelFontSize=13, labelLimit=0, labelColor=INK, symbolSize=1200)
    )
    return chart


def _problem_row(problem: ProblemCurves) -> altair.HConcatChart:
    import altair as alt

    losses: Lines = {_label(curve): curve.loss for curve in problem.curves}
    metrics: Lines = {_label(curve): curve.metric for curve in problem.curves}
    steady = [curve for curve in problem.curves if curve.completed] or problem.curves
    row: altair.HConcatChart = alt.hconcat(
        _panel(losses, _loss_axis([point for curve in steady for point in curve.loss])),
        _panel(
            metrics,
            _metric_axis([point for curve in steady for point in curve.metric], problem.metric),
            _unit(problem.metric),
        ),
        spacing=32,
        title=alt.TitleParams(safe_text(problem.label), subtitle=_subtitle(problem), offset=16),
    ).resolve_scale(color="shared", strokeDash="shared")
    return row


def _panel(lines: Lines, axis: dict[str, Any], unit: int = 1) -> altair.LayerChart:
    """Bands, mean lines and, for few epochs, points of one column against the epoch."""
    import altair as alt

    values = [_datum(label, point, unit) for label, line in lines.items() for point in line]
    style: dict[str, Any] = {"title": None, "sort": list(lines), "legend": _legend(lines)}
    ticks = alt.Axis(grid=False, labelFlush=False, **_epoch_values(lines))
    alt.Scale(nice=False, zero=False, padding=10)
    dash = alt.StrokeDash("setting:N", scale=_scale(lines, _dashes(len(lines))), **style)
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X(
            "epoch:Q",
            title="epoch",
            axis=ticks,
            scale=alt.Scale(nice=False, zero=False, padding=10),
        ),
        color=alt.Color("setting:N", scale=_scale(lines, _colours(len(lines))), **style),
    )
    mean = alt.Y("mean:Q", **axis)
    layers = [
        base.mark_area(opacity=0.18, clip=True).encode(y=alt.Y("low:Q", **axis), y2="high:Q"),
        base.mark_line(strokeWidth=2.2, clip=True).encode(y=mean, strokeDash=dash),
    ]
    if max(map(len, lines.values()), default=0) <= MOST_MARKED:
        layers.append(base.mark_point(filled=True, size=32, opacity=1).encode(y=mean))
    return alt.LayerChart(layer=layers, width=WIDTH, height=HEIGHT)


def _epoch_values(lines: Lines) -> dict[str, Any]:
    ticks = epoch_ticks([point.epoch for line in lines.values() for point in line])
    return {"values": ticks, "format": "d"} if ticks else {}


def _datum(label: str, point: Point, unit: int) -> dict[str, Any]:
    """One point; without an interval the band has no height."""
    low = point.mean if point.low is None else point.low
    high = point.mean if point.high is None else point.high
    numbers = {"mean": point.mean, "low": low, "high": high}
    return {"setting": label, "epoch": point.epoch} | {
        name: unit * number for name, number in numbers.items()
    }


def _scale(lines: Lines, styles: list[Any]) -> altair.Scale:
    import altair as alt

    return alt.Scale(domain=list(lines), range=styles)


def _colours(number: int) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(number)]


def _dashes(number: int) -> list[list[int]]:
    """The pattern shifts by one each time round, so that no colour meets the same one soon."""
    size = len(DASHES)
    return [DASHES[(index + index // size) % size] for index in range(number)]


def _legend(lines: Lines) -> altair.Legend:
    import altair as alt

    longest = max(map(len, lines), default=1) + 6  # the line and its gap
    columns = max(1, min(len(lines), 4, LEGEND_WIDTH // longest))
    return alt.Legend(
        orient="bottom",
        columns=columns,
        symbolType="stroke",
        symbolStrokeWidth=2.5,
        symbolOpacity=1,
        rowPadding=-10,
        offset=12,
    )


def _loss_axis(points: Sequence[Point]) -> dict[str, Any]:
    """A log scale around these points; a curve that explodes runs along the panel's edge."""
    import altair as alt

    if any(point.mean <= 0 for point in points) or not points:
        return {"title": "train loss", "scale": alt.Scale(zero=False)}
    low, high = limits(points, log=True)
    return {
        "title": "train loss (log scale)",
        "scale": alt.Scale(type="log", domain=[low, high], nice=False, clamp=True),
        "axis": alt.Axis(values=log_ticks(low, high), format="~g"),
    }


def _metric_axis(points: Sequence[Point], metric: Metric) -> dict[str, Any]:
    import altair as alt

    title = words.quantity(metric.name) + (" (%)" if metric.is_accuracy else "")
    if not points:
        return {"title": title, "scale": alt.Scale(zero=False)}
    low, high = (_unit(metric) * end for end in limits(points))
    if metric.is_accuracy:
        low, high = max(low, 0), min(high, 100)
    return {"title": title, "scale": alt.Scale(domain=[low, high], nice=False, clamp=True)}


def _unit(metric: Metric) -> int:
    return 100 if metric.is_accuracy else 1


def _label(curve: Curve) -> str:
    label = safe_text(curve.label)
    if not curve.diverged:
        return label
    seeds = curve.completed + curve.diverged
    return (
        f"{label} (diverged)" if seeds == 1 else f"{label} ({curve.diverged} of {seeds} diverged)"
    )


def _subtitle(problem: ProblemCurves) -> str:
    seeds = sorted({curve.completed for curve in problem.curves if curve.completed})
    parts = []
    if seeds and seeds[-1] > 1:
        number = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
        parts.append(f"mean of {number} seeds, band: 95% t interval")
    elif seeds:
        parts.append("one seed")
    if problem.left_out:
        others = "setting" if problem.left_out == 1 else "settings"
        parts.append(f"best setting of each optimizer, {problem.left_out} other {others} left out")
    return "; ".join(parts)


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
