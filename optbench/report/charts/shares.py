"""Stairs from 0 to 100%: seeds that reached a target, and problems within a factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optbench.report import words
from optbench.report.charts.pen import Canvas, pen, tooltip
from optbench.report.charts.row import HIGH, WIDE, left_out, row, seeds_meant
from optbench.report.charts.traces import progress_channel

if TYPE_CHECKING:
    from optbench.analysis.pictures.profile import Profile
    from optbench.analysis.pictures.target import ProblemArrivals
    from optbench.report.charts.pen import Pen, Spec

# (where, share) at each step up, by label.
Stairs = Mapping[str, Sequence[tuple[float, float]]]

_APART = 1.1  # percent between lines that would hide each other


def target_row(canvas: Canvas, number: int, problem: ProblemArrivals) -> Spec:
    """One panel: the share of the seeds that reached the problem's target by each moment."""
    named = [
        (f"{one.series.label} ({one.reached} of {len(one.times)})", one) for one in problem.arrivals
    ]
    told = pen(canvas, number, ((label, one.series) for label, one in named))
    stairs = {
        label: [(at, reached / len(one.times)) for at, reached in one.steps]
        for label, (_, one) in zip(told.labels, named, strict=True)
    }
    reach = f"{words.value(problem.metric, problem.target)} {words.quantity(problem.metric.name)}"
    x = progress_channel(problem.unit, [at for line in stairs.values() for at, _ in line])
    panel = _panel(
        stairs, told, x | {"field": "x", "scale": _FROM_ZERO}, f"seeds that reached {reach} (%)"
    )
    seeds = seeds_meant(len(one.times) for one in problem.arrivals)
    remarks = [
        f"{seeds} each" if seeds else "one seed each",
        "measured where the model was evaluated",
        "lines are drawn a little apart",
        left_out(problem.left_out),
    ]
    return row(problem.label, remarks, [panel], told)


_FROM_ZERO = {"nice": False, "zero": True, "padding": 6}


def profile_row(canvas: Canvas, number: int, found: Profile) -> Spec:
    """One panel over all problems."""
    named = [(f"{one.series.label} ({one.score:.2f})", one) for one in found.contestants]
    told = pen(canvas, number, ((label, one.series) for label, one in named))
    stairs = {
        label: one.steps(found.limit) for label, (_, one) in zip(told.labels, named, strict=True)
    }
    x = {
        "field": "x",
        "type": "quantitative",
        "title": f"{found.unit} to the target, over those of the soonest",
        "scale": {"domain": [1, found.limit], "nice": False, "padding": 6},
        "axis": {"grid": False, "labelExpr": "format(datum.value, '~g') + '×'", "tickCount": 6},
    }
    panel = _panel(stairs, told, x, "problems (%)")
    absent = ", ".join(found.absent)
    remarks = [
        f"best setting of each optimizer by its median seed, {len(found.problems)} problems",
        f"in brackets: score up to {found.limit:g}×, 1 is best; it depends on who takes part",
        "lines are drawn a little apart",
        f"not on every problem, left out: {absent}" if absent else "",
    ]
    return row("Performance profile", remarks, [panel], told)


def _panel(stairs: Stairs, told: Pen, x: Spec, title: str) -> Spec:
    y = {
        "field": "y",
        "type": "quantitative",
        "title": title,
        "scale": {"domain": [-5, 105], "nice": False},
        "axis": {"values": [0, 25, 50, 75, 100], "grid": True},
    }
    line = {"type": "line", "interpolate": "step-after", "strokeWidth": 2.2, "clip": True}
    tips = tooltip(setting=("setting", ""), at=("from", ".4~g"), share=("share (%)", ".3~g"))
    return {
        "data": {"values": _records(stairs)},
        "encoding": {"x": x, "y": y, "color": told.colour(), "opacity": told.opacity(1)},
        "layer": [
            {"mark": line, "encoding": {"strokeDash": told.dash()}},
            {
                "transform": [{"filter": "datum.rises"}],
                "mark": {"type": "point", "filled": True, "size": 40},
                "encoding": {"shape": told.shape(), "tooltip": tips} | told.reach(40),
            },
        ],
        "width": WIDE,
        "height": HIGH,
    }


def _records(stairs: Stairs) -> list[dict[str, Any]]:
    """`x` and `y` move each line aside a little, so that none lies under another."""
    reach = max(at for line in stairs.values() for at, _ in line)
    records = []
    for number, (label, line) in enumerate(stairs.items()):
        aside = _APART * (number - (len(stairs) - 1) / 2)
        before = 0.0
        for at, share in line:
            told = {"setting": label, "at": at, "share": 100 * share, "rises": share > before}
            records.append(told | {"x": at + aside * reach / 200, "y": 100 * share - aside})
            before = share
    return records
