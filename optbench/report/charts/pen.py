"""How the series of one row of panels are told apart, and how they are hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.report.charts.styles import Style, scale, styles
from optbench.report.table import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optbench.analysis.pictures.series import Series

Spec = dict[str, Any]

SHOW_SEEDS = "showSeeds"  # the parameter that every seed's own mark follows


@dataclass(frozen=True)
class Canvas:
    """What all panels share: the comparison's optimizers, whether somebody will click at them,
    and whether losses start on a log scale."""

    families: frozenset[str]
    interactive: bool
    log: bool


@dataclass(frozen=True)
class Pen:
    """The styles by label, in order, and the selection of the labels that are hidden.

    None in a picture that stands still.
    """

    drawn: Mapping[str, Style]
    hidden: str | None

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.drawn)

    def colour(self) -> Spec:
        return self._channel("colour")

    def dash(self) -> Spec:
        return self._channel("dash")

    def shape(self) -> Spec:
        return self._channel("shape")

    def opacity(self, value: float, *, of_a_seed: bool = False) -> Spec:
        """Constant, except where a click on the legend or a parameter takes it away."""
        if self.hidden is None:
            return {"value": value}
        shown: Any = {"expr": f"{SHOW_SEEDS} ? {value} : 0"} if of_a_seed else value
        return {"condition": {"param": self.hidden, "empty": False, "value": 0}, "value": shown}

    def reach(self, size: int) -> Spec:
        """The channel of points with a tooltip, which answer the mouse no more once hidden."""
        if self.hidden is None:
            return {}
        hidden = {"param": self.hidden, "empty": False, "value": 0}
        return {"size": {"condition": hidden, "value": size}}

    def _channel(self, part: str) -> Spec:
        """Without a legend of Vega's own, which shows a dash pattern or a marker, never both."""
        return {
            "field": "setting",
            "type": "nominal",
            "sort": None,
            "legend": None,
            "scale": scale(self.drawn.values(), part, self.labels),
        }


def pen(canvas: Canvas, number: int, named: Iterable[tuple[str, Series]]) -> Pen:
    """For the row of that number; labels are as they are written."""
    pairs = list(named)
    found = styles([series for _, series in pairs], canvas.families)
    drawn = {safe_text(label): found[series.label] for label, series in pairs}
    return Pen(drawn, f"hidden{number}" if canvas.interactive else None)


def tooltip(**fields: tuple[str, str]) -> list[Spec]:
    """field=(title, format) in order; no format for text."""
    return [
        {"field": field, "title": title}
        | ({"format": form, "type": "quantitative"} if form else {})
        for field, (title, form) in fields.items()
    ]


def with_data(layers: Sequence[Spec]) -> list[Spec]:
    """Those that have anything to draw, of which Vega complains otherwise; at least the first."""
    return [layer for layer in layers if layer["data"]["values"]] or list(layers[:1])
