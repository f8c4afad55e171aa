"""The pictures of docs/performance.md, as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

OURS, OTHERS = "#0072b2", "#b0b0b0"


def draw(results: dict[str, Any], folder: Path) -> None:
    """Draw what was measured: the study by contestant, and the cost by runs."""
    if "race" in results:
        draw_study(results["race"]["laps"], folder / "performance_study.svg")
    if "cost" in results:
        draw_cost(results["cost"], folder / "performance_runs.svg")


def draw_study(laps: dict[str, dict[str, float]], path: Path) -> None:
    """A bar a contestant, its seconds beside it."""
    import altair
    import polars

    rows = [{"contestant": name, "seconds": lap["study"]} for name, lap in laps.items()]
    base = altair.Chart(polars.DataFrame(rows)).encode(
        x=altair.X("seconds:Q", title="seconds for 50 runs of 5 epochs"),
        y=altair.Y("contestant:N", title=None, sort="-x"),
    )
    ours = altair.condition(
        "datum.contestant == 'optbench'", altair.value(OURS), altair.value(OTHERS)
    )
    label = altair.Text("seconds:Q", format=",.0f")
    text = base.mark_text(align="left", dx=4).encode(text=label)
    chart = altair.layer(base.mark_bar().encode(color=ours), text)
    _save(chart.properties(width=480), path)


def draw_cost(cost: dict[str, Any], path: Path) -> None:
    """Seconds of a step of all runs over their number, and the straight line through them."""
    import altair
    import polars

    line = cost["line"]
    names = {"planned": f"cohorts of {cost['cohort']}", "one": "one cohort"}
    rows = [
        {"runs": row["runs"], "how": title, "milliseconds": 1e3 * row[key]}
        for row in cost["rows"]
        for key, title in names.items()
    ]
    ends = [row["runs"] for row in cost["rows"]]
    fitted = [
        {"runs": runs, "milliseconds": 1e3 * (line["slope"] * runs + line["intercept"])}
        for runs in (min(ends), max(ends))
    ]
    x = altair.X("runs:Q")
    y = altair.Y("milliseconds:Q", title="ms for a step of all runs")
    colour = altair.Color("how:N", title=None, scale=altair.Scale(range=[OURS, "#d55e00"]))
    points = altair.Chart(polars.DataFrame(rows)).mark_point(filled=True, size=60).encode(
        x=x, y=y, color=colour
    )  # fmt: skip
    straight = altair.Chart(polars.DataFrame(fitted)).mark_line(color="#999999").encode(x=x, y=y)
    _save(altair.layer(straight, points).properties(width=480, height=280), path)


def _save(chart: Any, path: Path) -> None:
    """Like the pictures that optbench draws: no frame, titles no bolder than the rest."""
    plain = chart.configure_axis(
        titleFontWeight="normal", titleFontSize=12, gridColor="#e6e6e6"
    ).configure_view(stroke=None)
    plain.save(path)
