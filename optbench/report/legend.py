"""How the series of a chart are told apart, and the legend that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair

# Okabe & Ito, "Color Universal Design" (2008), without yellow, which is lost on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
DASHES = ([1, 0], [6, 3], [2, 2], [10, 3, 2, 3], [14, 4], [5, 2, 1, 2, 1, 2])
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross")  # 5 and 7 meet again at 36
INK = "#222222"
MARKER = 48  # square pixels

_SAMPLE, _SPACE, _ROW, _GAP = 46, 8, 24, 26  # pixels: line, before its label, row, between columns
_CHARACTER = 7.2  # pixels of a letter at 13 pixels, on the safe side
_MOST_COLUMNS = 4


@dataclass(frozen=True)
class Styles:
    """Colour, dashes and marker of each series, in their order."""

    labels: tuple[str, ...]

    def colour(self) -> Any:
        """The encoding by colour; like the others it has no legend of Vega's own."""
        import altair as alt

        return alt.Color("setting:N", scale=self._scale(COLOURS), sort=None, legend=None)

    def dash(self) -> Any:
        """The pattern shifts by one each time round, so that no colour meets the same one soon."""
        import altair as alt

        size = len(DASHES)
        patterns = [DASHES[(index + index // size) % size] for index in range(len(self.labels))]
        return alt.StrokeDash("setting:N", scale=self._scale(patterns), sort=None, legend=None)

    def shape(self) -> Any:
        """The encoding by marker."""
        import altair as alt

        return alt.Shape("setting:N", scale=self._scale(SHAPES), sort=None, legend=None)

    def _scale(self, styles: Sequence[Any]) -> altair.Scale:
        import altair as alt

        chosen = [styles[index % len(styles)] for index in range(len(self.labels))]
        return alt.Scale(domain=list(self.labels), range=chosen)


def legend(styles: Styles, width: int) -> altair.LayerChart:
    """Line, marker and label of each series, in as many columns as the width allows.

    Vega's own legends show a dash pattern or a marker, never both.
    """
    import altair as alt

    entries, rows = _placed(styles.labels, width)

    def across(field: str) -> altair.X:
        return alt.X(f"{field}:Q", axis=None, scale=alt.Scale(domain=[0, width], nice=False))

    y = alt.Y("row:Q", axis=None, scale=alt.Scale(domain=[rows - 0.5, -0.5], nice=False))
    base = alt.Chart(alt.InlineData(values=entries)).encode(y=y)
    coloured = base.encode(color=styles.colour())
    layers = [
        coloured.mark_rule(strokeWidth=2.2).encode(
            x=across("start"), x2="end:Q", strokeDash=styles.dash()
        ),
        coloured.mark_point(filled=True, size=MARKER, opacity=1).encode(
            x=across("middle"), shape=styles.shape()
        ),
        base.mark_text(align="left", baseline="middle", fontSize=13, color=INK).encode(
            x=across("text"), text="setting:N"
        ),
    ]
    return alt.LayerChart(layer=layers, width=width, height=rows * _ROW)


def _placed(labels: Sequence[str], width: int) -> tuple[list[dict[str, Any]], int]:
    """Where each entry stands, reading along the rows, and how many rows there are."""
    starts = _starts(labels, width)
    entries = []
    for index, label in enumerate(labels):
        start = starts[index % len(starts)]
        entries.append(
            {
                "setting": label,
                "row": index // len(starts),
                "start": start,
                "middle": start + _SAMPLE / 2,
                "end": start + _SAMPLE,
                "text": start + _SAMPLE + _SPACE,
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
