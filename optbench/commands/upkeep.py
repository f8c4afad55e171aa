"""`optbench runs repair`, `prune` and `retry`: what a kill, a bad disk or a mistake left."""

from __future__ import annotations

import dataclasses
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

from optbench.analysis.where import selected
from optbench.catalog.datasets.outdated import outdated
from optbench.commands.training import train
from optbench.errors import EXIT_CLAIM, EXIT_OK, StoreError
from optbench.execution.repair import repair
from optbench.execution.study import Options, load_experiments, plan_runs
from optbench.report.upkeep import (
    deletable_lines,
    deleted_line,
    nothing_to_retry,
    repair_lines,
    retried_line,
)
from optbench.store.kept import kept_states
from optbench.store.leftovers import delete, find_leftovers, tree_size
from optbench.store.lock import RunLock
from optbench.store.own_config import CONFIG
from optbench.store.rundir import STATE
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.commands.screen import Screen
    from optbench.execution.plan import Plan
    from optbench.store.result import Status
    from optbench.store.stored_run import StoredRun


def repair_command(runs_dir: Path, screen: Screen, *, dry_run: bool) -> int:
    """Mend what can be mended and name the rest; 1 where something has to be trained again."""
    lost = False
    counts: Counter[bool] = Counter()
    for found in repair(runs_dir, dry=dry_run):
        counts[found.done is not None] += 1
        lost = lost or found.done is None
        screen.write(repair_lines(found, screen.width))
    screen.write(deletable_lines(find_leftovers(runs_dir), screen.width))
    if not counts:
        screen.write("Every run is whole.\n")
    return EXIT_CLAIM if lost else EXIT_OK


def prune_command(
    runs_dir: Path,
    statuses: Sequence[Status],
    where: Sequence[str],
    screen: Screen,
    *,
    states: bool,
    decoded: Path | None,
    delete_them: bool,
) -> int:
    """Delete leftovers, and the runs that are named by status and condition, or only list them.

    With `states` also the last states that finished runs have kept, of those that meet `where`;
    of the data directory `decoded` also the decoded images that are outdated.
    """
    leftovers = [one for one in find_leftovers(runs_dir) if one.kind == "temporary"]
    runs = _chosen(runs_dir, statuses, where)
    kept = _keeping(runs_dir, where) if states else []
    kept = [run for run in kept if run not in runs]
    images = list(outdated(decoded, screen.announce)) if decoded else []
    paths = [*(one.path for one in leftovers), *(run.path for run in runs)]
    paths += [*(run.path / STATE for run in kept), *(one.path for one in images)]
    sizes = {path: tree_size(path) for path in paths}
    if delete_them:
        for path in (one.path for one in leftovers):
            delete(path)
        for run in runs:
            with ExitStack() as held:
                held.enter_context(RunLock(run.path))
                delete(run.path)
        for run in kept:
            with ExitStack() as held:
                held.enter_context(RunLock(run.path))
                delete(run.path / STATE)
        for one in images:
            one.delete()
    told = deleted_line(sizes, runs, kept, images, done=delete_them, width=screen.width)
    screen.write(told)
    return EXIT_OK


def retry_command(
    runs_dir: Path,
    statuses: Sequence[Status],
    where: Sequence[str],
    options: Options,
    screen: Screen,
) -> int:
    """Train again the runs that failed, or those of other statuses, each under its experiment."""
    chosen = _chosen(runs_dir, statuses or ("failed",), where)
    if not chosen:
        screen.write(nothing_to_retry(statuses or ("failed",)))
        return EXIT_OK
    configs = [run.path / CONFIG for run in chosen]
    for path in configs:
        if not path.is_file() or path.is_symlink():
            raise StoreError(f"{path.parent}: {CONFIG} is missing, so the run can't be repeated")
    experiments = load_experiments(configs, options)
    plan = _as_declared(plan_runs(experiments, options, screen.announce), chosen)
    trained = train(plan, options, screen)
    screen.write(retried_line([event.result for event in trained.ended]))
    return trained.complain()


def _chosen(runs_dir: Path, statuses: Sequence[Status], where: Sequence[str]) -> list[StoredRun]:
    """Runs with one of the statuses that meet all conditions; none where nothing is asked for."""
    if not statuses:
        return []
    found = scan(runs_dir).runs
    return [run for run in selected(found, where) if run.status in statuses]


def _keeping(runs_dir: Path, where: Sequence[str]) -> list[StoredRun]:
    """Finished runs that have kept their last state."""
    kept = {one.path.parent for one in kept_states(runs_dir)}
    found = scan(runs_dir).runs if kept else ()
    return [run for run in selected(found, where) if run.path in kept]


def _as_declared(plan: Plan, runs: Sequence[StoredRun]) -> Plan:
    """With the seeds that the runs' experiments declared: their own files name one each."""
    declared = {run.result.run: run.result.declared_seeds for run in runs}
    planned = tuple(
        dataclasses.replace(
            one,
            run=dataclasses.replace(
                one.run, declared_seeds=declared.get(one.run.hash, one.run.declared_seeds)
            ),
        )
        for one in plan.runs
    )
    return dataclasses.replace(plan, runs=planned)
