"""Which colour, dashes and marker stand for whom: an optimizer always has the same colour."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.analysis.pictures.series import Series

# Six of Okabe & Ito, "Color Universal Design" (2008); for their black and yellow, of which one is
# lost on a dark page and the other on white, a violet and a brown that stay apart from them under
# simulated protanopia, deuteranopia and tritanopia.
BLUE, VERMILLION, GREEN, ROSE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, VIOLET, BROWN = "#E69F00", "#56B4E9", "#9440F0", "#8B5A2B"
COLOURS = (BLUE, VERMILLION, GREEN, ROSE, ORANGE, SKY, VIOLET, BROWN)

DASHES = ((1, 0), (7, 3), (2, 2), (10, 3, 2, 3), (14, 4), (5, 2, 1, 2, 1, 2))
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "triangle-right")

# The optimizers of torch.optim and the two special cases with names of their own: colour, and
# with which of the dashes and shapes their first setting is drawn.
_KNOWN = {
    "adam": (BLUE, 0),
    "sgd": (VERMILLION, 1),
    "momentum": (GREEN, 3),
    "rmsprop": (ROSE, 2),
    "adamw": (SKY, 4),
    "nadam": (ORANGE, 5),
    "radam": (VIOLET, 1),
    "adagrad": (BROWN, 0),
    "amsgrad": (BLUE, 2),
    "adamax": (ROSE, 4),
    "adadelta": (BROWN, 3),
    "adafactor": (VIOLET, 4),
    "asgd": (VERMILLION, 5),
    "lbfgs": (ORANGE, 2),
    "muon": (GREEN, 0),
    "rprop": (SKY, 1),
    "sparseadam": (BLUE, 4),
}


@dataclass(frozen=True)
class Style:
    """How one series is drawn."""

    colour: str
    dash: tuple[int, ...]
    shape: str


def styles(series: Iterable[Series], families: Iterable[str] = ()) -> dict[str, Style]:
    """Label → style. `families` are all optimizers of the comparison, shown here or not.

    An optimizer of torch has its own colour; another's follows from its name, and gives way
    to the next one only where an optimizer of the same comparison has it. The settings of one
    optimizer share the colour and differ in dashes and marker.
    """
    shown = list(series)
    looks = _looks({*families, *(one.family for one in shown)})
    return {one.label: _style(*looks[one.family], one.nth) for one in shown}


def scale(drawn: Iterable[Style], part: str, labels: Sequence[str]) -> dict[str, Any]:
    """The Vega-Lite scale from labels to one part of their styles."""
    values = [getattr(style, part) for style in drawn]
    return {
        "domain": list(labels),
        "range": [list(value) if isinstance(value, tuple) else value for value in values],
    }


def _style(colour: str, first: int, nth: int) -> Style:
    place = first + nth
    # From the second time round on, no pattern meets the same marker again soon.
    return Style(
        colour,
        DASHES[place % len(DASHES)],
        SHAPES[(place + nth // len(SHAPES)) % len(SHAPES)],
    )


def _looks(families: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Colour and first pattern of each; others than the known are placed in order of name."""
    names = sorted(families)
    looks = {name: _KNOWN[name] for name in names if name in _KNOWN}
    for name in names:
        if name not in looks:
            looks[name] = _free(name, list(looks.values()))
    return looks


def _free(name: str, taken: Sequence[tuple[str, int]]) -> tuple[str, int]:
    """The first that nobody has, counted from the place that the name gives: colour before all."""
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    count, size = len(COLOURS), len(DASHES)
    every = [
        (COLOURS[(start + step) % count], (start + step // count) % size)
        for step in range(count * size)
    ]
    colours = {colour for colour, _ in taken}
    for look in every:
        if look[0] not in colours:
            return look
    return next((look for look in every if look not in taken), every[0])
