"""`optbench trajectory`: paths of optimizers on an objective, as a table and as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.pictures.trajectory import trajectory_picture
from optbench.analysis.trajectory import outcomes
from optbench.catalog.trajectory import load_trajectories
from optbench.errors import EXIT_OK
from optbench.report.formats import check_format, render_table
from optbench.report.trajectory.files import check_suffix, render_file
from optbench.report.trajectory.specification import map_size
from optbench.report.trajectory.table import closing, outcome_table
from optbench.store.atomic import write_output

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.commands.screen import Screen

_CELLS = 2  # of the surface, a pixel of the map and direction


def trajectory_command(
    what: str,
    overrides: Sequence[str],
    outputs: Sequence[Path],
    output_format: str,
    screen: Screen,
    errors: Screen,
) -> int:
    """Compute the paths, write the files, show the table; the exit code.

    Whatever is wrong with the arguments is refused before torch is imported.
    """
    for output in outputs:
        check_suffix(output)
    check_format(output_format)
    trajectories = load_trajectories(what, overrides)

    from optbench.training.trajectory import surface, walk

    paths = list(walk(trajectories))
    found = outcomes(trajectories, paths)
    if outputs:
        width, height = map_size(trajectories.window)
        ground = surface(trajectories, _CELLS * width, _CELLS * height)
        picture = trajectory_picture(trajectories, ground, paths)
        for output in outputs:
            write_output(output, render_file(output, picture, found))
            errors.write(f"Written: {output}\n")
    table = outcome_table(trajectories, found)
    text = render_table(table, output_format, colour=screen.colour, width=screen.width)
    if output_format != "table":
        screen.write(text)
    else:
        screen.say(text)
        screen.announce(closing(trajectories, found))
    return EXIT_OK
