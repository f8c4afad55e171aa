"""`optbench runs export`: stored runs, told to a tracker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.where import selected
from optbench.errors import EXIT_OK, EnvironmentFault, OptbenchError, UsageError
from optbench.report.runs import render_notes
from optbench.store.scan import scan
from optbench.trackers.choice import open_tracker
from optbench.trackers.export import export

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.commands.screen import Screen
    from optbench.store.result import Status


def export_command(
    roots: Sequence[Path],
    asked: str,
    statuses: Sequence[Status],
    where: Sequence[str],
    screen: Screen,
    errors: Screen,
) -> int:
    """A line a run, those of all statuses but running by default; the exit code.

    Raises `EnvironmentFault` where the tracker can't be reached or does not take a run.
    """
    found = scan(*roots)
    errors.write(render_notes(found.notes, width=errors.width))
    wanted = [run for run in selected(found.runs, where) if run.status != "running"]
    runs = [run for run in wanted if not statuses or run.status in statuses]
    if not runs:
        raise UsageError("no run meets the conditions")
    done = 0
    try:
        for run, rows in export(runs, open_tracker(asked, "--to")):
            done += 1
            screen.write(f"{run.path}: {rows} row{'s'[: rows != 1]}\n")
    except OptbenchError:
        raise
    except Exception as error:
        said = str(error).strip().splitlines()[0] if str(error) else repr(error)
        raise EnvironmentFault(f"{asked}: {said}; {done} of {len(runs)} runs are there") from error
    screen.write(f"\n{done} run{'s'[: done != 1]} told to {asked}\n")
    return EXIT_OK
