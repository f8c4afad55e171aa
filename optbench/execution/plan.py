"""What a command has to train, and what is finished already. No torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.catalog.length import ties
from optbench.execution.data import as_requested
from optbench.store.checkpoint_header import fault_of
from optbench.store.index import RunIndex
from optbench.store.kept import kept_states
from optbench.store.stored_run import Asker, StoredRun, is_run_directory, read_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from optbench.config.spec import Experiment, Run, Setting
    from optbench.store.kept import Kept
    from optbench.store.stored_run import Note


@dataclass(frozen=True)
class Planned:
    """A run and its directory; `stored` where it is finished, wherever that was.

    With `until` it is put aside as pruned after so many epochs, from where it can go on. `base` is
    a shorter run whose last state it begins with.
    """

    run: Run
    directory: Path
    stored: StoredRun | None = None
    until: int | None = None
    base: Kept | None = None

    @property
    def begun(self) -> int:
        """The epochs that it need not train, as its base has them."""
        return 0 if self.base is None else self.base.epochs

    @property
    def epochs(self) -> int:
        """Those that are left."""
        return self.run.setting.epochs - self.begun


@dataclass(frozen=True)
class Plan:
    """All runs of some experiments, each once, in the order in which they train.

    `experiments` have the data decided; `damaged` names directories of runs that ended, but whose
    files are not whole any more; `tied` are settings that don't go on from shorter runs which are
    there, as they depend on how long they train; `left_aside` says of shorter runs' last states
    that they are damaged, and what becomes of the longer runs.
    """

    experiments: tuple[Experiment, ...]
    runs: tuple[Planned, ...]
    force: bool
    damaged: tuple[Note, ...] = ()
    tied: tuple[Setting, ...] = ()
    left_aside: tuple[str, ...] = ()

    @property
    def to_train(self) -> tuple[Planned, ...]:
        return tuple(planned for planned in self.runs if planned.stored is None)

    @property
    def finished(self) -> tuple[Planned, ...]:
        return tuple(planned for planned in self.runs if planned.stored is not None)

    @property
    def begun(self) -> dict[str, int]:
        """Of runs that go on from shorter ones the epochs that these have, by hash."""
        return {planned.run.hash: planned.begun for planned in self.to_train if planned.base}


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


def extending(plan: Plan, runs_dir: Path) -> Plan:
    """The plan whose runs go on from the longest shorter ones whose last state is there and whole.

    But for settings that depend on the length of their runs.
    """
    kept = {one.run: one for one in kept_states(runs_dir)} if plan.to_train else {}
    lengths = sorted({one.epochs for one in kept.values()}, reverse=True)
    settings = {one.run.setting.setting_hash: one.run.setting for one in plan.to_train}
    shorter = {
        setting_hash: [setting.of_length(n) for n in lengths if n < setting.epochs]
        for setting_hash, setting in settings.items()
    }
    bases: dict[str, Kept] = {}
    tied: dict[str, Setting] = {}
    left_aside: list[str] = []
    for run in (planned.run for planned in plan.to_train):
        key = run.setting.setting_hash
        alike = (dataclasses.replace(run, setting=setting) for setting in shorter[key])
        found = list(filter(None, (kept.get(one.hash) for one in alike)))
        if found and ties(run.setting):
            tied[key] = run.setting
            continue
        base, faults = _longest_whole(found)
        goes_on = f"goes on from epoch {base.epochs:,}" if base else "starts over"
        left_aside += (f"{fault}; the run {goes_on}" for fault in faults)
        if base:
            bases[run.hash] = base
    runs = (dataclasses.replace(one, base=bases.get(one.run.hash)) for one in plan.runs)
    return dataclasses.replace(
        plan, runs=tuple(runs), tied=tuple(tied.values()), left_aside=tuple(left_aside)
    )


def _longest_whole(kept: Iterable[Kept]) -> tuple[Kept | None, list[str]]:
    """The first of some last states that is whole, and what is wrong with those before it."""
    faults: list[str] = []
    for one in kept:
        fault = fault_of(one.path)
        if not fault:
            return one, faults
        faults.append(f"{one.path} is left aside: {fault}")
    return None, faults


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
    """The stored runs of a plan that has been carried out, by their hashes, each as asked for.

    One that another process has just begun may not be there yet. StoreError for one that can't be
    read any more.
    """
    return {
        planned.run.hash: dataclasses.replace(
            planned.stored or read_run(planned.directory),
            asker=Asker(planned.run.experiment, planned.run.declared_seeds),
        )
        for planned in plan.runs
        if planned.stored or is_run_directory(planned.directory)
    }
