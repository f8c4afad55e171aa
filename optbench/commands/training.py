"""Carrying a plan out in front of somebody: progress while it trains, and what came of it."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import closing, redirect_stdout
from dataclasses import dataclass, field
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING

from optbench.errors import EXIT_ENVIRONMENT, EXIT_OK, EXIT_RUNS_FAILED, Interrupted
from optbench.execution.study import Options, train_plan
from optbench.report.plan import busy_line, interrupted_line, unbegun_line
from optbench.report.progress import make_progress
from optbench.store.rundir import RunDirectory
from optbench.terminal import complain
from optbench.trackers.feed import AT_THE_END, WHEN_STOPPED, Feed
from optbench.training.events import Busy, Ended, Started, Unbegun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from optbench.commands.screen import Screen
    from optbench.execution.plan import Plan
    from optbench.execution.standby import Standby
    from optbench.trackers.tracker import Tracker
    from optbench.training.events import Event

UNFINISHED = ("running", "interrupted")


@dataclass(frozen=True)
class Trained:
    """What has come to its end, what was left to other processes, and what could not begin."""

    ended: list[Ended] = field(default_factory=list)
    busy: list[Busy] = field(default_factory=list)
    unbegun: list[Unbegun] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Remember it if it is an end, or none."""
        match event:
            case Ended():
                self.ended.append(event)
            case Busy():
                self.busy.append(event)
            case Unbegun():
                self.unbegun.append(event)

    def complain(self) -> int:
        """Say on standard error what failed and what is not here to be told; the exit code."""
        failed: dict[str | None, list[Path]] = {}
        for event in self.ended:
            if event.result.status == "failed":
                failed.setdefault(event.result.reason, []).append(event.directory)
        for reason, (first, *others) in failed.items():
            more = f" and {len(others):,} more" if others else ""
            complain(f"{first}{more} failed: {reason}\n  The traceback is in {first / 'log.txt'}.")
        if self.busy:
            complain(busy_line([event.directory for event in self.busy]))
        for reason, runs in Counter(event.reason for event in self.unbegun).items():
            complain(unbegun_line(runs, reason))
        if failed:
            return EXIT_RUNS_FAILED
        return EXIT_ENVIRONMENT if self.busy or self.unbegun else EXIT_OK


def train(
    plan: Plan,
    options: Options,
    screen: Screen,
    ended: Callable[[Ended], str | None] = lambda _: None,
    trackers: Mapping[str, Tracker] = MappingProxyType({}),
    *,
    as_study: bool = False,
    standby: Standby | None = None,
) -> Trained:
    """Train what a plan has to train; `ended` is told of each end, and may say a line about it.

    `trackers`, by what was asked for, are told all that goes on. Few runs have lines of their own,
    unless they are shown `as_study`, as many are. `standby` holds processes between two plans.
    """
    told = Trained()
    directories = {planned.run.hash: planned.directory for planned in plan.to_train}
    feeds = [Feed(asked, tracker, directories) for asked, tracker in trackers.items()]
    patience = AT_THE_END
    begun: dict[Path, int] = {}  # the steps that each run began with
    runs = [planned.run for planned in plan.to_train]
    finished = [(p.run, p.stored.result) for p in plan.finished if p.stored]
    try:
        # What a plug-in prints must get neither between the lines of --json nor into the screen.
        with (
            redirect_stdout(sys.stderr),
            make_progress(
                screen.stream,
                runs,
                finished,
                plan.begun,
                quiet=screen.quiet or not runs,
                as_study=as_study,
            ) as progress,
            closing(train_plan(plan, options, progress.announce, standby)) as events,
        ):
            warn = complain if screen.quiet else progress.announce
            for fault in plan.left_aside:
                warn(fault)
            for event in events:
                progress.show(event)
                told.take(event)
                for feed in feeds:
                    feed.take(event)
                if isinstance(event, Started):
                    begun[directories[event.run.hash]] = event.steps
                    if event.warning:
                        warn(event.warning)
                if isinstance(event, Ended) and (line := ended(event)):
                    progress.announce(line)
                if monotonic() > options.until:
                    raise Interrupted(EXIT_ENVIRONMENT)
    except Interrupted as stopped:
        patience = WHEN_STOPPED
        complain(_stopped(plan, told, begun, stopped.exit_code))
        raise
    finally:
        for feed in feeds:
            feed.close(screen.announce, options.store, patience)
    return told


def _stopped(plan: Plan, told: Trained, begun: Mapping[Path, int], code: int) -> str:
    """What a command leaves that ends with `code`, by what is stored of its unfinished runs."""
    under_way = begun.keys() - {event.directory for event in told.ended}
    found = ((RunDirectory(path).result(), begun[path]) for path in under_way)
    stored = [(one.last or {}, steps) for one, steps in found if one and one.status in UNFINISHED]
    further = any((last.get("steps") or 0) > steps for last, steps in stored)
    return interrupted_line(
        len(plan.finished) + len(told.ended),
        len(plan.runs),
        [last.get("epoch") or 0 for last, _ in stored],
        gained=code != EXIT_ENVIRONMENT or bool(told.ended) or further,
        anew=plan.force,
    )
