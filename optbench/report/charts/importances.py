"""How much each searched value mattered: a bar a value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from optbench.analysis.importances import FEWEST, importances
from optbench.analysis.pictures.series import numbered
from optbench.errors import UsageError
from optbench.report import words
from optbench.report.charts.pen import pen, tooltip
from optbench.report.charts.row import WIDE, row
from optbench.report.charts.scales import name_of
from optbench.report.search_results import searched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.analysis.search import ProblemSearch
    from optbench.report.charts.pen import Canvas, Spec

_LANE = 26  # pixels
_PALE = 0.3  # of a bar that chance gives as well


def importance_row(canvas: Canvas, number: int, problem: ProblemSearch) -> Spec:
    """One panel; UsageError without Optuna, and where no optimizer has enough trials."""
    series = numbered((one.label, one.family) for one in problem.searches)
    told = pen(canvas, number, ((one.label, one) for one in series))
    records = [
        {
            "setting": label,
            "name": f"{label} · {name_of(one.key)}",
            "key": one.key,
            "share": 100 * one.share,
            "certain": one.certain,
        }
        for label, search in zip(told.labels, problem.searches, strict=True)
        for one in importances(search, problem)
    ]
    if not records:
        raise UsageError(
            f"importances need {FEWEST} trials of one optimizer, of which two values were searched"
        )
    for lane, record in enumerate(records):
        record["lane"] = lane
    remarks = [
        searched(problem) if problem.sampler else "the settings of the grid",
        f"for being among the best quarter by {words.quantity(problem.objective)} (PED-ANOVA)",
        ""
        if all(record["certain"] for record in records)
        else "pale: shuffled trials give as much",
    ]
    panel: Spec = {
        "data": {"values": records},
        "encoding": {"y": _lanes(records), "x": _SHARE},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 0.6 * _LANE},
                "encoding": {
                    "x2": {"datum": 0},
                    "color": told.colour(),
                    "opacity": {
                        "condition": {"test": "datum.certain", "value": 0.95},
                        "value": _PALE,
                    },
                    "tooltip": _TIP,
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 12},
                "encoding": {
                    "text": {"field": "share", "type": "quantitative", "format": ".0f"},
                },
            },
        ],
        "width": WIDE,
        "height": _LANE * len(records),
    }
    return row(problem.label, remarks, [panel])


_SHARE: Spec = {
    "field": "share",
    "type": "quantitative",
    "title": "share of importance (%)",
    "scale": {"domain": [0, 106], "nice": False},
    "axis": {"values": [0, 25, 50, 75, 100], "grid": True},
}
_TIP = tooltip(setting=("optimizer", ""), key=("value", ""), share=("share (%)", ".3~g"))


def _lanes(records: Sequence[dict[str, Any]]) -> Spec:
    names = json.dumps([record["name"] for record in records])
    axis: Spec = {
        "values": list(range(len(records))),
        "labelExpr": f"{names}[datum.value]",
        "labelLimit": 0,
        "labelPadding": 8,
        "labelOverlap": False,
        "ticks": False,
        "domain": False,
        "grid": False,
    }
    scale = {"domain": [len(records) - 0.5, -0.5], "nice": False, "zero": False}
    return {"field": "lane", "type": "quantitative", "title": None, "axis": axis, "scale": scale}
