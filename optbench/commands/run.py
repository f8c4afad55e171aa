"""`optbench run`: plan, train with progress, compare."""

from __future__ import annotations

import json as json_format
import sys
from typing import TYPE_CHECKING

from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.errors import EXIT_OK, EXIT_RUNS_FAILED, Interrupted
from optbench.execution.environment import installed_torch
from optbench.execution.study import Options, load_experiments, plan_runs, train_plan
from optbench.report.comparison import render
from optbench.report.plan import (
    closing_line,
    describe_plan,
    elsewhere,
    finished_line,
    interrupted_line,
    result_line,
)
from optbench.report.progress import make_progress
from optbench.store.scan import StoredRun, scan
from optbench.training.events import Ended

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.commands.screen import Screen
    from optbench.execution.plan import Plan


def run_command(
    configs: Sequence[Path], options: Options, screen: Screen, *, dry_run: bool, json: bool
) -> int:
    """Train what is not finished and show how the runs compare; the exit code.

    With `json`, standard output carries a line a finished run; the screen is to be elsewhere.
    """
    plan = plan_runs(load_experiments(configs, options), options, screen.announce)
    if dry_run:
        screen.say(describe_plan([(p.run, p.directory, p.stored is not None) for p in plan.runs]))
        return EXIT_OK
    finished = [planned.stored for planned in plan.runs if planned.stored]
    screen.say("\n".join(f"{note}; trains again" for note in plan.damaged))
    screen.say(finished_line(len(finished), len(plan.runs)))
    screen.say(elsewhere(finished, installed_torch()))
    for run in finished if json else ():
        _print_json(run)
    ended = _train(plan, options, screen, json=json)
    if ended:
        screen.write("\n")
    stored = [p.stored or scan(p.directory).runs[0] for p in plan.runs]
    if any(run.finished for run in stored):
        screen.say(
            render(compare(stored, Question()), "table", colour=screen.colour, width=screen.width)
        )
    screen.write(f"{closing_line([run.path for run in stored], options.store)}\n")
    failed = [event.directory for event in ended if event.result.status == "failed"]
    for directory in failed:
        _complain(f"{directory} failed; the traceback is in {directory / 'log.txt'}")
    return EXIT_RUNS_FAILED if failed else EXIT_OK


def _train(plan: Plan, options: Options, screen: Screen, *, json: bool) -> list[Ended]:
    """Train with progress; what has come to its end."""
    ended: list[Ended] = []
    runs = [planned.run for planned in plan.to_train]
    try:
        with make_progress(screen.stream, runs, quiet=screen.quiet) as progress:
            for event in train_plan(plan, options):
                progress.show(event)
                if isinstance(event, Ended):
                    ended.append(event)
                    if json:
                        _print_json(scan(event.directory).runs[0])
    except Interrupted:
        _complain(interrupted_line(len(plan.finished) + len(ended), len(plan.runs)))
        raise
    return ended


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _print_json(run: StoredRun) -> None:
    sys.stdout.write(json_format.dumps(result_line(run), allow_nan=False) + "\n")
    sys.stdout.flush()
