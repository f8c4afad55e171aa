"""`optbench run`: plan, train with progress, compare."""

from __future__ import annotations

import json as json_format
import sys
from typing import TYPE_CHECKING, TextIO

from optbench.analysis.audit.audit import audit
from optbench.analysis.audit.extension import extensions
from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.analysis.search import with_searches
from optbench.catalog.experiment import count_settings
from optbench.commands.training import train
from optbench.config.spec import display_name
from optbench.errors import EXIT_OK, UsageError
from optbench.execution.environment import installed_torch
from optbench.execution.outlook import look_ahead
from optbench.execution.plan import stored_runs
from optbench.execution.smoke import MAX_SETTINGS
from optbench.execution.study import Options, load_experiments, plan_runs
from optbench.report.audit import audit_lines
from optbench.report.comparison import render
from optbench.report.plan import (
    Training,
    closing_line,
    describe_plan,
    elsewhere,
    extended_lines,
    finished_line,
    result_line,
    smoke_closing,
    smoke_line,
    too_few_seeds,
)
from optbench.store.scan import beside, scan
from optbench.store.tuning import studies
from optbench.trackers.choice import open_tracker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.commands.screen import Screen
    from optbench.execution.outlook import Outlook
    from optbench.execution.plan import Plan
    from optbench.store.stored_run import StoredRun
    from optbench.training.events import Ended


def run_command(
    configs: Sequence[Path],
    options: Options,
    screen: Screen,
    *,
    dry_run: bool,
    json: bool,
    track: Sequence[str] = (),
) -> int:
    """Train what is not finished and show how the runs compare; the exit code.

    With `json`, standard output carries a line a finished run; the screen is to be elsewhere.
    """
    experiments = load_experiments(configs, options)
    trackers = {asked: open_tracker(asked, "--track") for asked in track}
    plan = plan_runs(experiments, options, screen.announce, dry=dry_run)
    if dry_run:
        return _dry_run(plan, options, screen)
    finished = [planned.stored for planned in plan.runs if planned.stored]
    if options.smoke:
        described = sum(count_settings(config, options.overrides) for config in configs)
        screen.say(smoke_line(len(plan.runs), described, MAX_SETTINGS))
    screen.say("\n".join(f"{note}; trains again" for note in plan.damaged))
    screen.say(finished_line(len(finished), len(plan.runs)))
    screen.say(elsewhere(finished, installed_torch()))
    screen.say(_extended(plan, options))
    if plan.to_train:
        screen.say(too_few_seeds([planned.run for planned in plan.runs], finished))
    lines = JsonLines(sys.stdout)
    for run in finished if json else ():
        lines.write(run)
    trained = train(plan, options, screen, lines.ended if json else lambda _: None, trackers)
    if trained.ended:
        screen.write("\n")
    stored = list(stored_runs(plan).values())
    directories = [run.path for run in stored]
    if options.smoke:
        code = trained.complain()
        screen.write(f"{smoke_closing(directories, works=code == EXIT_OK)}\n")
        return code
    if any(run.finished for run in stored):
        compare_runs(stored, screen)
    screen.write(f"{closing_line(directories, plan.experiments, options.store)}\n")
    return trained.complain()


def _dry_run(plan: Plan, options: Options, screen: Screen) -> int:
    training = None
    names = (name for planned in plan.to_train for name in planned.run.setting.own_code)
    own = tuple(dict.fromkeys(map(display_name, names)))
    if plan.to_train and not own:
        outlook = tried_here(plan, options, screen)
        dealt = outlook.dealt
        training = Training(
            len(dealt.cohorts),
            dealt.workers,
            dealt.bytes,
            outlook.seconds,
            outlook.missing,
            outlook.mapped,
        )
    runs = [(p.run, p.directory, p.stored is not None) for p in plan.runs]
    screen.announce("\n".join(plan.left_aside))
    screen.say(_extended(plan, options))
    screen.say(describe_plan(runs, training, own, plan.begun))
    return EXIT_OK


def tried_here(plan: Plan, options: Options, screen: Screen) -> Outlook:
    """What a plan will take, by a few steps in this process."""
    if options.ray is not None:
        raise UsageError("--dry-run tries a few steps in this process; leave --executor ray out")
    outlook = look_ahead(plan, options.data_folder, options.workers, screen.announce)
    screen.announce(outlook.dealt.warning)
    return outlook


def _extended(plan: Plan, options: Options) -> str:
    runs = [planned.run for planned in plan.to_train]
    return extended_lines(runs, plan.begun, plan.tied, asked=options.extend)


def compare_runs(runs: Sequence[StoredRun], screen: Screen, searches: Sequence[Path] = ()) -> None:
    """The table, and what is unfair about it where there is more to it than one seed each.

    `searches` are the folders of those that the runs come from.
    """
    comparison = with_searches(compare(runs, Question(), studies(*searches)), searches)
    screen.say(render(comparison, "table", colour=screen.colour, width=screen.width))
    if not all(problem.one_seed_each for problem in comparison.problems):
        above = {one.command for one in extensions(comparison)}
        screen.say(audit_lines(audit(comparison, beside(runs)), screen.width, above=above))


class JsonLines:
    """A line of JSON a finished run, on the standard output that the command began with."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def ended(self, event: Ended) -> None:
        self.write(scan(event.directory).runs[0])

    def write(self, run: StoredRun) -> None:
        self.stream.write(json_format.dumps(result_line(run), allow_nan=False) + "\n")
        self.stream.flush()
