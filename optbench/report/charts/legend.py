"""The legend of a row of panels; in an interactive picture a click on an entry hides its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.report.charts.look import MARKER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.report.charts.pen import Pen, Spec

_SAMPLE, _SPACE, _ROW, _GAP = 42, 7, 24, 22  # pixels: line, before its label, row, between columns
_CHARACTER = 6.5  # pixels of a letter at 13 pixels, on the safe side
_MOST_COLUMNS = 4
_FADED = 0.3  # of an entry whose lines are hidden


def legend(pen: Pen, width: int) -> Spec:
    """Line, marker and label of each series, in as many columns as the width allows."""
    entries, rows = _placed(pen.labels, width)
    y = {
        "field": "row",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [rows - 0.5, -0.5], "nice": False},
    }
    opacity: Spec = {"value": 1} if pen.hidden is None else _fading(pen.hidden)
    layers = _marks(pen, width)
    if pen.hidden is not None:
        layers.append(_button(pen.hidden, width))
    return {
        "data": {"values": entries},
        "encoding": {"y": y, "opacity": opacity},
        "layer": layers,
        "width": width,
        "height": rows * _ROW,
    }


def _marks(pen: Pen, width: int) -> list[Spec]:
    return [
        {
            "mark": {"type": "rule", "strokeWidth": 2.2},
            "encoding": _across("start", width)
            | {"x2": {"field": "end"}, "color": pen.colour(), "strokeDash": pen.dash()},
        },
        {
            "mark": {"type": "point", "filled": True, "size": MARKER},
            "encoding": _across("middle", width) | {"color": pen.colour(), "shape": pen.shape()},
        },
        {
            "mark": {"type": "text", "align": "left", "fontSize": 13},
            "encoding": _across("text", width) | {"text": {"field": "setting"}},
        },
    ]


def _fading(hidden: str) -> Spec:
    return {"condition": {"param": hidden, "empty": False, "value": _FADED}, "value": 1}


def _button(hidden: str, width: int) -> Spec:
    """An invisible bar over each entry, which takes the clicks."""
    click = {"type": "point", "fields": ["setting"], "on": "click", "toggle": "true"}
    return {
        "params": [{"name": hidden, "select": click}],
        "mark": {"type": "bar", "height": _ROW, "cursor": "pointer", "fill": "transparent"},
        "encoding": _across("start", width)
        | {"x2": {"field": "stop"}, "opacity": {"value": 1}, "detail": {"field": "setting"}},
    }


def _across(field: str, width: int) -> dict[str, Any]:
    domain = {"domain": [0, width], "nice": False}
    return {"x": {"field": field, "type": "quantitative", "axis": None, "scale": domain}}


def _placed(labels: Sequence[str], width: int) -> tuple[list[dict[str, Any]], int]:
    """Where each entry stands, reading along the rows, and how many rows there are."""
    starts = _starts(labels, width)
    entries = []
    for index, label in enumerate(labels):
        start = starts[index % len(starts)]
        text = start + _SAMPLE + _SPACE
        entries.append(
            {
                "setting": label,
                "row": index // len(starts),
                "start": start,
                "middle": start + _SAMPLE / 2,
                "end": start + _SAMPLE,
                "text": text,
                "stop": text + _CHARACTER * len(label),
            }
        )
    return entries, -(-len(labels) // len(starts))


def _starts(labels: Sequence[str], width: int) -> list[float]:
    """Where the columns begin: as many as fit, each as wide as its longest entry."""
    for number in range(min(_MOST_COLUMNS, len(labels)), 1, -1):
        longest = [max(map(len, labels[column::number])) for column in range(number)]
        widths = [_SAMPLE + _SPACE + _CHARACTER * length + _GAP for length in longest]
        if sum(widths) - _GAP <= width:
            return [sum(widths[:column]) for column in range(number)]
    return [0.0]
