"""One Vega-Lite specification for a picture on paper, on a screen and in the report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

from optbench.analysis.pictures.curves import problem_curves
from optbench.analysis.pictures.heatmap import problem_heats
from optbench.analysis.pictures.profile import profile
from optbench.analysis.pictures.seeds import problem_seeds
from optbench.analysis.pictures.sensitivity import problem_sensitivities
from optbench.analysis.pictures.series import family
from optbench.analysis.pictures.target import problem_arrivals
from optbench.analysis.pictures.tuning import problem_tunings
from optbench.analysis.search import all_searches, with_dimensions
from optbench.errors import UsageError
from optbench.report.charts.axes import LOG_SCALE
from optbench.report.charts.curves import curve_row
from optbench.report.charts.heatmap import heatmap_row
from optbench.report.charts.importances import importance_row
from optbench.report.charts.look import SIZES, merged, page_colours
from optbench.report.charts.parallel import parallel_row
from optbench.report.charts.pen import SHOW_SEEDS, Canvas
from optbench.report.charts.sensitivity import sensitivity_row
from optbench.report.charts.shares import profile_row, target_row
from optbench.report.charts.slices import slice_row
from optbench.report.charts.strips import seed_row
from optbench.report.charts.tuning import tuning_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from optbench.analysis.comparison import Comparison
    from optbench.analysis.target import Unit
    from optbench.report.charts.pen import Spec

T = TypeVar("T")

SearchKind = Literal["tuning", "importances", "slices", "parallel"]
RunKind = Literal["curves", "sensitivity", "seeds", "target", "profile", "heatmap"]
Kind = RunKind | SearchKind
KINDS: tuple[Kind, ...] = (*get_args(RunKind), *get_args(SearchKind))

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"  # a name; nothing is fetched from there


def chart_specification(
    comparison: Comparison,
    kind: Kind = "curves",
    *,
    interactive: bool = True,
    unit: Unit | None = None,
    log: bool = True,
) -> Spec:
    """The picture as a Vega-Lite specification: plain data that JSON can hold.

    Interactive: transparent, without the colours of text and axes, which come from the page that
    shows it (`look.page_colours`); a click on the legend hides and shows, and the parameters
    `logScale` and `showSeeds` are bound to check boxes. Else: as on paper, on white. `unit`
    is the horizontal axis of curves and the time of target and profile; `log` starts losses on a
    log scale. Of a problem without a search the settings stand for trials. Raises UsageError for
    what these runs can't show.
    """
    canvas = Canvas(_families(comparison), interactive, log)
    rows = _rows(canvas, comparison, kind, unit)
    return {
        "$schema": SCHEMA,
        "params": _parameters(rows, interactive=interactive, log=log),
        "background": "transparent" if interactive else "white",
        "config": SIZES if interactive else merged(SIZES, page_colours(dark=False)),
        "vconcat": rows,
        "spacing": 40,
        "resolve": {"scale": dict.fromkeys(("color", "strokeDash", "shape"), "independent")},
    }


def _rows(canvas: Canvas, comparison: Comparison, kind: Kind, unit: Unit | None) -> list[Spec]:
    if unit is not None and kind not in ("curves", "target", "profile"):
        raise UsageError(f"a picture of kind {kind} has no axis of {unit}; leave out --x")
    match kind:
        case "curves":
            return _each(canvas, curve_row, problem_curves(comparison, unit or "epochs"))
        case "sensitivity":
            return _each(canvas, sensitivity_row, problem_sensitivities(comparison))
        case "seeds":
            return _each(canvas, seed_row, problem_seeds(comparison))
        case "target":
            return _each(canvas, target_row, problem_arrivals(comparison, unit))
        case "profile":
            return _each(canvas, profile_row, [profile(comparison, unit)])
        case "heatmap":
            return _each(canvas, heatmap_row, problem_heats(comparison))
        case _:
            return _search_rows(canvas, comparison, kind)


def _search_rows(canvas: Canvas, comparison: Comparison, kind: SearchKind) -> list[Spec]:
    searches = all_searches(comparison)
    match kind:
        case "tuning":
            return _each(canvas, tuning_row, problem_tunings(searches))
        case "importances":
            return _each(canvas, importance_row, with_dimensions(searches, 2))
        case "slices":
            return _each(canvas, slice_row, with_dimensions(searches, 1))
        case "parallel":
            return _each(canvas, parallel_row, with_dimensions(searches, 2))


def _each(canvas: Canvas, draw: Callable[[Canvas, int, T], Spec], shown: Iterable[T]) -> list[Spec]:
    return [draw(canvas, number, one) for number, one in enumerate(shown)]


def _families(comparison: Comparison) -> frozenset[str]:
    """All optimizers, so that each has one colour in every picture of the comparison."""
    compared = {family(row) for problem in comparison.problems for row in problem.rows}
    return frozenset(compared | _searched(comparison))


def _searched(comparison: Comparison) -> set[str]:
    return {one.family for found in comparison.searches for one in found.searches}


def _parameters(rows: list[Spec], *, interactive: bool, log: bool) -> list[Spec]:
    """Those that the panels follow; bound to check boxes where somebody may click."""
    text = json.dumps(rows)
    named = [(LOG_SCALE, "log axis", log), (SHOW_SEEDS, "each seed", True)]
    return [
        {"name": name, "value": value} | ({"bind": _box(title)} if interactive else {})
        for name, title, value in named
        if name in text
    ]


def _box(title: str) -> Spec:
    return {"input": "checkbox", "name": title}
