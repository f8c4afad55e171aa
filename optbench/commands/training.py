"""Carrying a plan out in front of somebody: progress while it trains, and what came of it."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from optbench.errors import Interrupted
from optbench.execution.study import Options, train_plan
from optbench.report.plan import interrupted_line
from optbench.report.progress import make_progress
from optbench.store.scan import StoredRun, scan
from optbench.training.events import Ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from optbench.commands.screen import Screen
    from optbench.execution.plan import Plan


def train(
    plan: Plan, options: Options, screen: Screen, ended: Callable[[Ended], None] = lambda _: None
) -> list[Ended]:
    """Train what a plan has to train; returns what has come to its end, also told one by one.

    What failed is named on standard error, where its traceback is.
    """
    told: list[Ended] = []
    runs = [planned.run for planned in plan.to_train]
    finished = [(p.run, p.stored.result) for p in plan.finished if p.stored]
    try:
        # What a plug-in prints must get neither between the lines of --json nor into the screen.
        with (
            redirect_stdout(sys.stderr),
            make_progress(screen.stream, runs, finished, quiet=screen.quiet) as progress,
        ):
            for event in train_plan(plan, options, progress.announce):
                progress.show(event)
                if isinstance(event, Ended):
                    told.append(event)
                    ended(event)
    except Interrupted:
        _complain(interrupted_line(len(plan.finished) + len(told), len(plan.runs)))
        raise
    return told


def complain_of_failed(ended: list[Ended]) -> bool:
    """Say where the tracebacks of failed runs are; whether there are any."""
    failed = [event.directory for event in ended if event.result.status == "failed"]
    for directory in failed:
        _complain(f"{directory} failed; the traceback is in {directory / 'log.txt'}")
    return bool(failed)


def stored_runs(plan: Plan) -> dict[str, StoredRun]:
    """The stored runs of a plan that has been carried out, by their hashes."""
    return {
        planned.run.hash: planned.stored or scan(planned.directory).runs[0] for planned in plan.runs
    }


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
