"""The page's pictures: Vega-Lite specifications as data, drawn by the browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.errors import UsageError
from optbench.report.charts.specification import KINDS, Kind, chart_specification

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.analysis.comparison import Comparison
    from optbench.report.charts.pen import Spec

_TITLES: dict[Kind, str] = {
    "curves": "Learning curves",
    "sensitivity": "Final loss along the learning rate",
    "seeds": "Final values, seed by seed",
    "target": "When the target was reached",
    "profile": "Performance profile over all problems",
    "heatmap": "Final values over two hyperparameters",
    "tuning": "Best of so many trials",
    "importances": "Which searched values mattered",
    "slices": "Trials along each searched value",
    "parallel": "Trials over all searched values",
}
_OF_SEARCHES = ("importances", "slices", "parallel")  # of a grid the others tell as much


@dataclass(frozen=True)
class Figure:
    """One picture under its title."""

    kind: Kind
    title: str
    specification: Spec


def figures(comparison: Comparison) -> Iterator[Figure]:
    """The pictures that these runs can show; the others are left out."""
    for kind in KINDS:
        if kind in _OF_SEARCHES and not comparison.searches:
            continue
        try:
            yield Figure(kind, _TITLES[kind], chart_specification(comparison, kind))
        except UsageError:
            continue
