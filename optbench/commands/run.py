"""`optbench run`: plan, train with progress, compare."""

from __future__ import annotations

import json as json_format
import sys
from typing import TYPE_CHECKING

from optbench.analysis.comparison import compare
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

    from optbench.execution.plan import Plan


def run_command(
    configs: Sequence[Path],
    options: Options,
    *,
    dry_run: bool,
    quiet: bool,
    json: bool,
    width: int,
    colour: bool,
) -> int:
    """Train what is not finished and show how the runs compare; the exit code.

    With `json`, standard output carries a line a finished run and all else goes to standard
    error.
    """
    out = sys.stderr if json else sys.stdout

    def say(text: str) -> None:
        """One block; a blank line sets it off from the next."""
        if text and not quiet:
            out.write(f"{text.rstrip()}\n\n")
            out.flush()

    plan = plan_runs(load_experiments(configs, options), options, say)
    if dry_run:
        say(describe_plan([(p.run, p.directory, p.stored is not None) for p in plan.runs]))
        return EXIT_OK
    say(finished_line(len(plan.finished), len(plan.runs)))
    say(elsewhere([p.stored for p in plan.finished if p.stored], installed_torch()))
    ended: list[Ended] = []
    try:
        _train(plan, options, ended, quiet=quiet, json=json)
    except Interrupted:
        _complain(interrupted_line(len(plan.finished) + len(ended), len(plan.runs)))
        raise
    failed = [event.directory for event in ended if event.result.status == "failed"]
    for directory in failed:
        _complain(f"{directory} failed; the traceback is in {directory / 'log.txt'}")
    stored = [p.stored or scan(p.directory).runs[0] for p in plan.runs]
    if any(run.finished for run in stored) and not quiet:
        if ended:
            out.write("\n")
        say(render(compare(stored), "table", colour=colour and not json, width=width))
        out.write(f"{closing_line([run.path for run in stored], options.runs_dir)}\n")
    if json:
        for run in (p.stored for p in plan.finished if p.stored):
            _print_json(run)
    return EXIT_RUNS_FAILED if failed else EXIT_OK


def _train(plan: Plan, options: Options, ended: list[Ended], *, quiet: bool, json: bool) -> None:
    """Train, noting in `ended` what has come to its end."""
    stream = sys.stderr if json else sys.stdout
    with make_progress(stream, len(plan.to_train), quiet=quiet) as progress:
        for event in train_plan(plan, options):
            progress.show(event)
            if isinstance(event, Ended):
                ended.append(event)
                if json:
                    _print_json(scan(event.directory).runs[0])


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _print_json(run: StoredRun) -> None:
    sys.stdout.write(json_format.dumps(result_line(run), allow_nan=False) + "\n")
    sys.stdout.flush()
