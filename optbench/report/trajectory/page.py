"""The picture in motion as a page for browsers, which needs no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.report.html.assets import asset, chart_library, json_block, policy, template
from optbench.report.trajectory.specification import trajectory_specification
from optbench.report.trajectory.table import closing, outcome_table, title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.analysis.pictures.trajectory import TrajectoryPicture
    from optbench.analysis.trajectory import Outcome

_SECONDS = 8  # of a whole animation
_LONGEST = 80  # milliseconds a step, of a short path


def render_page(picture: TrajectoryPicture, found: Sequence[Outcome]) -> str:
    """The whole page; the same text for the same paths."""
    own = "\n".join(map(asset, ("theme.js", "picture.js", "trajectory.js")))
    scripts, style = [chart_library(), own], asset("style.css")
    shown = {
        "specification": trajectory_specification(picture, interactive=True),
        "steps": picture.steps,
        "milliseconds": min(_LONGEST, 1000 * _SECONDS / len(picture.steps)),
    }
    return template("trajectory.html").render(
        policy=policy(scripts, [style], images=True),
        style=style,
        title=title(picture.trajectories),
        table=outcome_table(picture.trajectories, found),
        closing=closing(picture.trajectories, found),
        steps=picture.steps,
        data=json_block(shown),
        scripts=scripts,
    )
