"""Paths as files, by the name's ending: pictures, animations and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.errors import UsageError
from optbench.report.charts.files import drawn
from optbench.report.formats import to_csv, to_json
from optbench.report.trajectory.animation import render_gif
from optbench.report.trajectory.page import render_page
from optbench.report.trajectory.specification import trajectory_specification
from optbench.report.trajectory.table import position_table
from optbench.report.trajectory.video import check_ffmpeg, render_mp4

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.analysis.pictures.trajectory import TrajectoryPicture
    from optbench.analysis.trajectory import Outcome

SUFFIXES = (".gif", ".mp4", ".html", ".png", ".svg", ".pdf", ".csv", ".json")
_SCALE = 2  # pixels a unit: as fine as the contours are


def check_suffix(path: Path) -> None:
    """Raise UsageError for a name whose ending says none of `SUFFIXES`.

    EnvironmentFault where this machine can't make such a file.
    """
    if path.suffix not in SUFFIXES:
        listed = ", ".join(SUFFIXES)
        raise UsageError(f"{path}: the name must end in {listed}, got {path.suffix!r}")
    if path.suffix == ".mp4":
        check_ffmpeg()


def render_file(path: Path, picture: TrajectoryPicture, found: Sequence[Outcome]) -> bytes:
    """The content of such a file."""
    check_suffix(path)
    match path.suffix:
        case ".gif":
            return render_gif(picture)
        case ".mp4":
            return render_mp4(picture)
        case ".html":
            return render_page(picture, found).encode()
        case ".csv":
            return to_csv(position_table(one.path for one in found)).encode()
        case ".json":
            return to_json(position_table(one.path for one in found)).encode()
    return drawn(trajectory_specification(picture, interactive=False), path.suffix, _SCALE)
