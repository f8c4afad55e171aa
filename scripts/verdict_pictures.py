"""The pictures of docs/statistics.md: quiet lines with their names at the end, fit for print."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import altair as alt
import vl_convert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verdict_simulations import Count

INK, GREY, PALE = "#222222", "#767676", "#EBEBEB"
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000"]  # Okabe and Ito's
WIDTH, HEIGHT = 380, 240
TEXT_HEIGHT = 13  # pixels that a line's name needs

Row = dict[str, str | float]


@dataclass(frozen=True)
class Frame:
    """What surrounds the lines: titles, ticks, the y axis' ends and where a dashed rule lies."""

    x: str
    ticks: list[float]
    y: str
    ends: tuple[float, float]
    rule: float
    named_at_end: bool = True


def pictures(counts: list[Count]) -> dict[str, str]:
    """SVG text by the file's stem."""
    return {
        "false-verdicts": _false_verdicts(counts),
        "looks": _looks(counts),
        "power": _power(counts),
        "selection": _selection(counts),
        "coverage": _coverage(counts),
    }


def _false_verdicts(counts: list[Count]) -> str:
    shown = [count for count in counts if count.study in ("nothing differs", "skewed")]
    rows = [_row(count, count.n, count.case.partition(" (")[0]) for count in shown]
    ticks = [6.0, 8.0, 10.0, 12.0, 14.0]
    return _drawn(rows, Frame("paired seeds", ticks, "false verdicts", (0, 0.16), 0.04))


def _looks(counts: list[Count]) -> str:
    names = {
        "two looks": "8 seeds, one extension",
        "until it fits": "a t test after each seed",
    }
    rows = [_row(count, count.n, names[count.study]) for count in counts if count.study in names]
    ticks = [5.0, 10.0, 20.0, 30.0, 40.0]
    return _drawn(rows, Frame("seeds in the end", ticks, "false verdicts", (0, 0.3), 0.05))


def _power(counts: list[Count]) -> str:
    shown = [count for count in counts if count.study == "power"]
    rows = [_row(count, count.effect, f"{count.n} pairs") for count in shown]
    title = "true difference in standard deviations of the paired differences"
    ticks = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    return _drawn(rows, Frame(title, ticks, "found", (0, 1), 0.8, named_at_end=False))


def _selection(counts: list[Count]) -> str:
    shown = [count for count in counts if count.study == "selection"]
    rows = [_row(count, count.effect, count.case) for count in sorted(shown, key=_case)]
    title = "correlation of validation and test values over seeds"
    ticks = [0.0, 0.5, 1.0]
    return _drawn(rows, Frame(title, ticks, "false verdicts", (0, 0.1), 0.04))


def _coverage(counts: list[Count]) -> str:
    rows = [_row(count, count.n, count.case) for count in counts if count.study == "coverage"]
    ticks = [3.0, 5.0, 8.0, 10.0, 20.0]
    return _drawn(rows, Frame("seeds", ticks, "intervals that hold the mean", (0.65, 1), 0.95))


def _case(count: Count) -> str:
    return count.case


def _row(count: Count, x: float, line: str) -> Row:
    share = count.share
    low, high = share.low or 0.0, 1.0 if share.high is None else share.high
    return {"x": x, "y": share.share, "low": low, "high": high, "line": line}


def _drawn(rows: list[Row], frame: Frame) -> str:
    """One line a name, its Wilson intervals, and the dashed rule, as SVG text."""
    names = list(dict.fromkeys(str(row["line"]) for row in rows))
    legend = None if frame.named_at_end else alt.Legend(title=None, orient="bottom-right")
    range_ = alt.Scale(domain=names, range=COLOURS)
    colour = alt.Color("line:N", sort=names, legend=legend, scale=range_)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=_x(frame), y=_y(frame, "y"), color=colour
    )
    layers = [
        alt.Chart(alt.InlineData(values=[{"y": frame.rule}]))
        .mark_rule(color=GREY, strokeDash=[4, 3])
        .encode(y=_y(frame, "y")),
        base.mark_rule(strokeWidth=1.2).encode(y=_y(frame, "low"), y2="high:Q"),
        base.mark_line(strokeWidth=1.8),
        base.mark_point(filled=True, size=26, opacity=1),
    ]
    if frame.named_at_end:
        layers.append(_names(rows, names, frame).encode(color=colour))
    return _svg(alt.LayerChart(layer=layers, width=WIDTH, height=HEIGHT))


def _x(frame: Frame) -> alt.X:
    scale = alt.Scale(domain=[frame.ticks[0], frame.ticks[-1]], nice=False)
    axis = alt.Axis(values=frame.ticks, format="~g", labelFlush=False)
    return alt.X("x:Q", title=frame.x, axis=axis, scale=scale)


def _y(frame: Frame, field: str) -> alt.Y:
    scale = alt.Scale(domain=list(frame.ends), nice=False, zero=False)
    return alt.Y(f"{field}:Q", title=frame.y, axis=alt.Axis(format="%", tickCount=6), scale=scale)


def _names(rows: list[Row], names: Iterable[str], frame: Frame) -> alt.Chart:
    """Each line's name right of its last point, pushed apart where lines end together."""
    ends = [max((r for r in rows if r["line"] == name), key=lambda r: r["x"]) for name in names]
    ends.sort(key=lambda row: row["y"])
    least = TEXT_HEIGHT / HEIGHT * (frame.ends[1] - frame.ends[0])
    heights = _apart([float(row["y"]) for row in ends], least)
    placed = [{**row, "y": height} for row, height in zip(ends, heights, strict=True)]
    chart = alt.Chart(alt.InlineData(values=placed)).encode(x=_x(frame), y=_y(frame, "y"))
    named: alt.Chart = chart.mark_text(align="left", dx=8, fontSize=11).encode(text="line:N")
    return named


def _apart(heights: list[float], least: float) -> list[float]:
    """Ascending heights, neighbours that are too close moved apart until none is."""
    heights = list(heights)
    for _ in range(100):
        for lower, (a, b) in enumerate(pairwise(list(heights))):
            excess = max(0.0, least - (b - a)) / 2
            heights[lower] -= excess
            heights[lower + 1] += excess
    return heights


def _svg(chart: alt.LayerChart) -> str:
    styled = (
        chart.configure(font="Helvetica, Arial, sans-serif", background="white", padding=8)
        .configure_view(stroke=None)
        .configure_axis(
            domainColor=GREY,
            tickColor=GREY,
            gridColor=PALE,
            labelColor=INK,
            titleColor=INK,
            titleFontWeight="normal",
            labelFontSize=11,
            titleFontSize=12,
            titlePadding=8,
        )
        .configure_axisX(grid=False)
        .configure_legend(labelColor=INK, labelFontSize=11, symbolType="stroke")
    )
    return vl_convert.vegalite_to_svg(styled.to_dict())
