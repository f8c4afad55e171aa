"""`optbench runs`: what a store holds, while it is being filled too."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from optbench.analysis.where import selected
from optbench.config.suggest import did_you_mean
from optbench.errors import EXIT_OK, UsageError
from optbench.report.run_page import render_run
from optbench.report.runs import render_notes, render_runs
from optbench.store.result import STATUSES, Status
from optbench.store.scan import find_run, scan
from optbench.store.stored_run import is_run_directory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.commands.screen import Screen


def list_command(
    runs_dir: Path,
    statuses: Sequence[str],
    where: Sequence[str],
    output_format: str,
    screen: Screen,
    errors: Screen,
) -> int:
    """A line a run that has one of the statuses, if any are given, and meets all conditions."""
    wanted = read_statuses(statuses)
    found = scan(runs_dir)
    runs = [run for run in selected(found.runs, where) if not wanted or run.status in wanted]
    screen.write(
        render_runs(runs, output_format, now=time.time(), colour=screen.colour, width=screen.width)
    )
    listed = {run.path for run in found.runs}  # with their states
    notes = [note for note in found.notes if note.path not in listed]
    errors.write(render_notes(notes, width=errors.width))
    return EXIT_OK


def show_command(name: Path, runs_dir: Path, screen: Screen) -> int:
    """The page about a run: its directory, wherever that is, its name or the start of its hash."""
    root = name if is_run_directory(name) else runs_dir
    run = find_run(scan(root).runs, str(name))
    screen.write(render_run(run, now=time.time(), colour=screen.colour, width=screen.width))
    return EXIT_OK


def read_statuses(texts: Sequence[str]) -> tuple[Status, ...]:
    """`running,failed` as statuses; UsageError for one that there is not."""
    names = [name.strip() for text in texts for name in text.split(",")]
    for name in names:
        if name not in STATUSES:
            hint = did_you_mean(name, STATUSES) or f"it is one of {', '.join(STATUSES)}"
            raise UsageError(f"--status: there is no status {name!r}; {hint}")
    return tuple(cast("list[Status]", names))
