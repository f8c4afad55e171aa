"""Trains cohorts in this process: stores their runs, and says what goes on."""

from __future__ import annotations

import shutil
from collections import defaultdict
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from optbench.catalog.labels import problem_label
from optbench.errors import FOREIGN, EnvironmentFault, Interrupted
from optbench.execution.data import data_key, load_data
from optbench.execution.environment import describe_environment
from optbench.execution.recorder import Recorder
from optbench.store.index import finished_run
from optbench.store.lock import HeldError, RunLock
from optbench.store.rundir import RunDirectory
from optbench.training.data import DeviceData, to_device
from optbench.training.device import choose_device, reproducible
from optbench.training.events import Advanced, Busy, Ended, Event, Started
from optbench.training.loop import train
from optbench.training.records import Commit, End, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import torch

    from optbench.config.spec import Run
    from optbench.execution.plan import Planned
    from optbench.execution.signals import Interruptions
    from optbench.store.result import Result


class Worker:
    """Trains cohorts one after the other, loading each problem's data once."""

    def __init__(self, data_dir: Path, interruptions: Interruptions) -> None:
        self.data_dir = data_dir
        self.interruptions = interruptions
        self._loaded: tuple[str, str, DeviceData] | None = None

    def train(self, cohort: Sequence[Planned], *, force: bool) -> Iterator[Event]:
        """Train runs of one problem together to their stored ends."""
        device = choose_device(cohort[0].run.device)
        with reproducible(device):
            yield from self._train(cohort, device, force=force)

    def _data(self, run: Run, device: torch.device) -> DeviceData:
        key = data_key(run.setting)
        if self._loaded is None or self._loaded[:2] != (key, str(device)):
            self._loaded = None  # before the next is loaded: two may not fit
            data = to_device(load_data(run.setting, self.data_dir), device)
            self._loaded = key, str(device), data
        return self._loaded[2]

    def _train(
        self, cohort: Sequence[Planned], device: torch.device, *, force: bool
    ) -> Iterator[Event]:
        with ExitStack() as held:
            recorders = []
            for planned in cohort:
                try:
                    directory = _locked(planned.directory, held, beside=force)
                except HeldError:
                    yield Busy(planned.run, planned.directory)
                    continue
                stored = None if force else finished_run(planned.directory, planned.run.hash)
                if stored is None:
                    recorders.append(self._recorder(planned, directory, device))
                else:  # another process was faster
                    yield Ended(planned.run, planned.directory, stored.result)
            for together in _by_steps(recorders):
                yield from self._record(together, cohort[0].until)

    def _recorder(
        self, planned: Planned, directory: RunDirectory, device: torch.device
    ) -> Recorder:
        data = self._data(planned.run, device)
        label = problem_label(planned.run.setting, data.task.input_shape, data.task.classes)
        environment = describe_environment(str(device))
        return Recorder(planned.run, data, directory, planned.directory, environment, label)

    def _record(self, recorders: Sequence[Recorder], until: int | None) -> Iterator[Event]:
        for recorder in recorders:
            recorder.begin(len(recorders))
        try:
            for recorder in recorders:
                yield _started(recorder)
            yield from self._follow(recorders, until)
        except (Interrupted, GeneratorExit):
            for recorder in recorders:
                recorder.interrupt()
            raise
        except EnvironmentFault:
            raise
        except FOREIGN as error:
            for recorder in recorders:
                if not recorder.ended:
                    yield from self._ended(recorder, partial(recorder.fail, error))

    def _follow(self, recorders: Sequence[Recorder], until: int | None) -> Iterator[Event]:
        for record in train([recorder.learner for recorder in recorders], until):
            recorder = recorders[record.run]
            match record:
                case Commit():
                    self._commit(recorder, record)
                case End():
                    yield from self._ended(recorder, partial(recorder.end, record))
                case Failure(error=error):
                    yield from self._ended(recorder, partial(recorder.fail, error))
                case _:
                    yield Advanced(recorder.run, record)
        for recorder in recorders:
            if not recorder.ended:
                yield from self._ended(recorder, recorder.put_aside)

    def _commit(self, recorder: Recorder, record: Commit) -> None:
        """Store where a run is; one whose state can't be stored has failed."""
        try:
            with self.interruptions.shielded():
                recorder.commit(record)
        except EnvironmentFault:
            raise
        except FOREIGN as error:
            recorder.learner.failure = error

    def _ended(self, recorder: Recorder, store: Callable[[], Result]) -> Iterator[Event]:
        with self.interruptions.shielded():
            result = _stored(recorder, store)
            if recorder.directory.path != recorder.place:
                recorder.directory.replace(recorder.place)
            # Still shielded: who watches is to know of the end before a signal does.
            yield Ended(recorder.run, recorder.place, result)


def _stored(recorder: Recorder, store: Callable[[], Result]) -> Result:
    """What `store` stores; where the run's own code keeps it from that, a failed run."""
    try:
        return store()
    except EnvironmentFault:
        raise
    except FOREIGN as error:
        return recorder.fail(error)


def _locked(place: Path, held: ExitStack, *, beside: bool) -> RunDirectory:
    """A run's directory, or a fresh one beside it, ours while `held` is."""
    directory = RunDirectory(place)
    directory.create()
    held.enter_context(RunLock(place))
    if beside:
        directory = directory.beside
        shutil.rmtree(directory.path, ignore_errors=True)
        directory.create()
        held.enter_context(RunLock(directory.path))
    return directory


def _by_steps(recorders: Sequence[Recorder]) -> list[list[Recorder]]:
    """Runs that stand at the same step; resumed ones may not."""
    groups: defaultdict[int, list[Recorder]] = defaultdict(list)
    for recorder in recorders:
        groups[recorder.learner.steps].append(recorder)
    return list(groups.values())


def _started(recorder: Recorder) -> Started:
    run, learner, data = recorder.run, recorder.learner, recorder.learner.data
    held_out = "" if data.validation is None else f"{len(data.validation):,} validation, "
    sizes = f"{len(data.train):,} train, {held_out}{len(data.test):,} test"
    return Started(
        run=run,
        problem=recorder.label,
        data=sizes,
        device=str(data.device),
        steps=learner.steps,
        total=run.setting.epochs * learner.epoch_steps,
        epochs=run.setting.epochs,
        step_examples=learner.step_examples,
        cohort=recorder.cohort.size,
    )
