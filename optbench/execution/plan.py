"""What a command has to train, and what is finished already. No torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.execution.data import as_requested
from optbench.store.index import RunIndex
from optbench.store.scan import StoredRun, is_run_directory, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from optbench.config.spec import Experiment, Run, Setting
    from optbench.store.scan import Note


@dataclass(frozen=True)
class Planned:
    """A run and its directory; `stored` where it is finished, wherever that was.

    With `until` it is put aside as pruned after so many epochs, from where it can go on.
    """

    run: Run
    directory: Path
    stored: StoredRun | None = None
    until: int | None = None


@dataclass(frozen=True)
class Plan:
    """All runs of some experiments, each once, in the order in which they train.

    `experiments` have the data decided; `damaged` names directories of runs that ended, but whose
    files are not whole any more.
    """

    experiments: tuple[Experiment, ...]
    runs: tuple[Planned, ...]
    force: bool
    damaged: tuple[Note, ...] = ()

    @property
    def to_train(self) -> tuple[Planned, ...]:
        return tuple(planned for planned in self.runs if planned.stored is None)

    @property
    def finished(self) -> tuple[Planned, ...]:
        return tuple(planned for planned in self.runs if planned.stored is not None)


def make_plan(
    experiments: Sequence[Experiment],
    settle: Callable[[Setting], Setting],
    runs_dir: Path,
    *,
    force: bool,
) -> Plan:
    """Decide each setting's data, as `settle` does, and look every run up in the store.

    Where all runs are finished with the data asked for, those need not be there any more.
    """
    index = RunIndex(runs_dir)
    if not force:
        asked = _settled(experiments, as_requested)
        done = _look_up(asked, index, runs_dir)
        if all(planned.stored for planned in done):
            return Plan(asked, done, force)
    decided = _settled(experiments, settle)
    runs = _look_up(decided, index, runs_dir)
    if force:
        again = tuple(dataclasses.replace(planned, stored=None) for planned in runs)
        return Plan(decided, again, force)
    return Plan(decided, runs, force, index.damaged)


def _settled(
    experiments: Sequence[Experiment], settle: Callable[[Setting], Setting]
) -> tuple[Experiment, ...]:
    """The experiments with the data that `settle` decides for each setting."""
    return tuple(
        dataclasses.replace(experiment, settings=tuple(map(settle, experiment.settings)))
        for experiment in experiments
    )


def _look_up(
    experiments: Sequence[Experiment], index: RunIndex, runs_dir: Path
) -> tuple[Planned, ...]:
    """Every run once, with what the store has of it."""
    planned: dict[str, Planned] = {}
    for experiment in experiments:
        for run in experiment.runs():
            if run.hash not in planned:
                directory = runs_dir / run.experiment / run.directory_name
                planned[run.hash] = Planned(run, directory, index.finished(run.hash))
    return tuple(planned.values())


def stored_runs(plan: Plan) -> dict[str, StoredRun]:
    """The stored runs of a plan that has been carried out, by their hashes.

    One that another process has just begun may not be there yet.
    """
    return {
        planned.run.hash: planned.stored or scan(planned.directory).runs[0]
        for planned in plan.runs
        if planned.stored or is_run_directory(planned.directory)
    }
