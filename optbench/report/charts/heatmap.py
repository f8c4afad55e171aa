"""A metric over two hyperparameters: a coloured cell a setting, a panel an optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.report import words
from optbench.report.charts.look import CROSS, MIDDLE_GREY
from optbench.report.charts.pen import tooltip
from optbench.report.charts.row import row, seeds_meant
from optbench.report.table import safe_text

if TYPE_CHECKING:
    from optbench.analysis.pictures.heatmap import Cell, Heat, ProblemHeat
    from optbench.report.charts.pen import Canvas, Spec

CELL_WIDTH, CELL_HEIGHT = 50, 34  # pixels
LONG = 6  # letters of a label that don't fit below a cell
SCHEME = "viridis"  # light is good, for an accuracy and for a loss
DARK_SHARE = 0.6  # of the colours: letters on them are white
BEST = "#D62728"  # the frame of the best, on any of the colours

_TIP = tooltip(
    setting=("setting", ""), mean=("mean", ".4~g"), n=("seeds", "d"), diverged=("diverged", "d")
)


def heatmap_row(canvas: Canvas, number: int, problem: ProblemHeat) -> Spec:  # noqa: ARG001
    """The panels side by side, with one scale of colours for all."""
    unit = 100 if problem.metric.is_accuracy else 1
    colour = _colour(problem, unit, log=canvas.log)
    cells = [cell for heat in problem.panels for cell in heat.cells]
    seeds = seeds_meant(cell.n for cell in cells)
    others = "optimizer has" if problem.left_out == 1 else "optimizers have"
    remarks = [
        f"mean of {seeds}" if seeds else "one seed",
        f"framed: best by {words.quantity(problem.criterion)}",
        "×: a seed diverged" if any(cell.diverged for cell in cells) else "",
        "the worst quarter has one colour" if colour.ends_early else "",
        f"{problem.left_out} {others} no two hyperparameters that vary" if problem.left_out else "",
    ]
    panels = [_panel(heat, colour, unit) for heat in problem.panels]
    return row(problem.label, remarks, panels)


@dataclass(frozen=True)
class _Colour:
    """From the worst colour's value to the best one's; `form` is how numbers are written."""

    title: str
    worst: float
    best: float
    log: bool
    form: str
    ends_early: bool

    def channel(self) -> Spec:
        scale: Spec = {"type": "log" if self.log else "linear", "scheme": SCHEME, "clamp": True}
        scale |= {"domain": sorted([self.worst, self.best]), "reverse": self.worst > self.best}
        legend = {"title": self.title, "format": self.form, "gradientLength": 150}
        return {"field": "mean", "type": "quantitative", "scale": scale, "legend": legend}

    def is_dark(self, value: str) -> str:
        """Vega's expression for whether a value has a dark colour."""
        place = (lambda number: f"log({number})") if self.log else str
        low, high, at = place(repr(self.worst)), place(repr(self.best)), place(value)
        return f"({at} - {low}) / ({high} - {low}) < {DARK_SHARE}"


def _colour(problem: ProblemHeat, unit: int, *, log: bool) -> _Colour:
    """Over the settings of which no seed diverged, without the worst quarter.

    A few hopeless settings would else take all colours, and leave one for those that matter.
    """
    metric = problem.metric
    means = sorted(
        (
            unit * cell.mean
            for heat in problem.panels
            for cell in heat.cells
            if cell.mean is not None and not cell.diverged
        ),
        reverse=not metric.higher_is_better,
    ) or [0.0]
    worst, best = means[len(means) // 4], means[-1]
    if worst == best:
        worst = means[0] if means[0] != best else best - 1
    return _Colour(
        title=words.quantity(metric.name) + (" (%)" if metric.is_accuracy else ""),
        worst=worst,
        best=best,
        log=log and not metric.is_accuracy and min(means) > 0,
        form=".1f" if metric.is_accuracy else ".3~g",
        ends_early=worst != means[0],
    )


def _panel(heat: Heat, colour: _Colour, unit: int) -> Spec:
    records = [_record(heat, cell, unit) for cell in heat.cells]
    known = {"filter": "isValid(datum.mean) && !datum.diverged"}
    layers: list[Spec] = [
        {
            "transform": [known],
            "mark": {"type": "rect"},
            "encoding": {"color": colour.channel(), "tooltip": _TIP},
        },
        {
            "transform": [known],
            "mark": {"type": "text", "fontSize": 12},
            "encoding": {
                "text": {"field": "mean", "type": "quantitative", "format": colour.form},
                "color": {
                    "condition": {"test": colour.is_dark("datum.mean"), "value": "white"},
                    "value": "black",
                },
            },
        },
        {
            "transform": [{"filter": "datum.diverged"}],
            "mark": {"type": "point", "shape": CROSS, "size": 60, "strokeWidth": 2},
            "encoding": {"color": {"value": MIDDLE_GREY}, "tooltip": _TIP},
        },
        {
            "transform": [{"filter": "datum.best"}],
            "mark": {"type": "rect", "filled": False, "strokeWidth": 3},
            "encoding": {"color": {"value": BEST}},
        },
    ]
    return {
        "title": {"text": safe_text(heat.family), "fontSize": 14, "anchor": "middle"},
        "data": {"values": records},
        "encoding": {
            "x": _channel("x", heat.x_name, heat.xs),
            "y": _channel("y", heat.y_name, tuple(reversed(heat.ys))),
        },
        "layer": layers,
        "width": CELL_WIDTH * len(heat.xs),
        "height": CELL_HEIGHT * len(heat.ys),
    }


def _channel(field: str, name: str, values: tuple[str, ...]) -> Spec:
    slanted = field == "x" and max(map(len, values)) > LONG
    axis: Spec = {"ticks": False, "domain": False, "labelOverlap": False}
    axis |= {"labelAngle": -45 if slanted else 0}
    title = "learning rate" if name == "lr" else name
    return {"field": field, "type": "ordinal", "sort": list(values), "title": title, "axis": axis}


def _record(heat: Heat, cell: Cell, unit: int) -> dict[str, Any]:
    setting = f"{heat.family} {heat.x_name}={cell.x} {heat.y_name}={cell.y}"
    told = {"setting": safe_text(setting), "x": cell.x, "y": cell.y, "n": cell.n}
    mean = None if cell.mean is None else unit * cell.mean
    return told | {"mean": mean, "diverged": cell.diverged, "best": cell.best}
