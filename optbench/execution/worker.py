"""Trains cohorts in this process: stores their runs, and says what goes on."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from optbench.catalog.labels import problem_label
from optbench.errors import FOREIGN, EnvironmentFault, Interrupted, StreamError
from optbench.execution.claim import Claimed, claim
from optbench.execution.data import data_key
from optbench.execution.environment import describe_environment
from optbench.execution.recorder import Recorder
from optbench.training.data import DeviceData, to_device
from optbench.training.device import choose_device, reproducible
from optbench.training.events import Advanced, Ended, Event, Started, Unbegun
from optbench.training.loop import train
from optbench.training.records import Commit, End, Failure, LastState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor

    import torch

    from optbench.catalog.datasets import Data
    from optbench.config.spec import Run, Setting
    from optbench.execution.plan import Planned
    from optbench.execution.signals import Interruptions
    from optbench.store.result import Result


COMMITTERS = 8  # threads that write commits: a disk takes several in little more time than one


class Worker:
    """Trains cohorts one after the other, loading each problem's data once, by `load`."""

    def __init__(self, load: Callable[[Setting], Data], interruptions: Interruptions) -> None:
        self.load = load
        self.interruptions = interruptions
        self._loaded: tuple[str, str, DeviceData] | None = None

    def train(self, cohort: Sequence[Planned], *, force: bool) -> Iterator[Event]:
        """Train runs of one problem together to their stored ends."""
        with ExitStack() as held:
            claims = [claim(planned, held, force=force) for planned in cohort]
            yield from (found for found in claims if not isinstance(found, Claimed))
            yield from self.train_claimed([f for f in claims if isinstance(f, Claimed)])

    def train_claimed(self, cohort: Sequence[Claimed]) -> Iterator[Event]:
        """The same, of runs whose directories are ours."""
        if not cohort:
            return
        device = choose_device(cohort[0].planned.run.device)
        with reproducible(device):
            try:
                recorders = [self._recorder(claimed, device) for claimed in cohort]
            except StreamError as error:
                planned = [claimed.planned for claimed in cohort]
                yield from (Unbegun(each.run, each.directory, str(error)) for each in planned)
                return
            for together in _by_steps(recorders):
                yield from self._record(together, cohort[0].planned.until)

    def _data(self, run: Run, device: torch.device) -> DeviceData:
        key = data_key(run.setting)
        if self._loaded is None or self._loaded[:2] != (key, str(device)):
            self._loaded = None  # before the next is loaded: two may not fit
            self._loaded = key, str(device), to_device(self.load(run.setting), device)
        return self._loaded[2]

    def _recorder(self, claimed: Claimed, device: torch.device) -> Recorder:
        run, place = claimed.planned.run, claimed.planned.directory
        data = self._data(run, device)
        label = problem_label(run.setting, data.task.input_shape, data.task.classes)
        environment = describe_environment(str(device))
        base = claimed.planned.base
        return Recorder(run, data, claimed.directory, place, environment, label, base)

    def _record(self, recorders: Sequence[Recorder], until: int | None) -> Iterator[Event]:
        with ThreadPoolExecutor(min(len(recorders), COMMITTERS)) as threads:
            yield from self._train_together(recorders, until, threads)

    def _train_together(
        self, recorders: Sequence[Recorder], until: int | None, threads: Executor
    ) -> Iterator[Event]:
        begun: list[Recorder] = []
        try:
            for recorder in recorders:
                with self.interruptions.shielded():  # else it could begin without a word of its end
                    recorder.begin(len(recorders), threads)
                    begun.append(recorder)
            yield from self._train_begun(recorders, until, threads)
        except (Interrupted, GeneratorExit):
            for recorder in begun:
                recorder.interrupt(self.interruptions.reason)
            raise

    def _train_begun(
        self, recorders: Sequence[Recorder], until: int | None, threads: Executor
    ) -> Iterator[Event]:
        try:
            for recorder in recorders:
                yield _started(recorder)
            yield from self._follow(recorders, until, threads)
        except StreamError as error:
            yield from self._fail(recorders, error)
        except EnvironmentFault:
            raise
        except FOREIGN as error:
            yield from self._fail(recorders, error)

    def _fail(self, recorders: Sequence[Recorder], error: BaseException) -> Iterator[Event]:
        for recorder in recorders:
            if not recorder.ended:
                yield from self._ended(recorder, partial(recorder.fail, error))

    def _follow(
        self, recorders: Sequence[Recorder], until: int | None, threads: Executor
    ) -> Iterator[Event]:
        for record in train([recorder.learner for recorder in recorders], until):
            recorder = recorders[record.run]
            match record:
                case Commit():
                    self._commit(recorder, record, threads)
                case LastState():
                    recorder.keep(record)
                case End():
                    yield from self._ended(recorder, partial(recorder.end, record))
                case Failure(error=error):
                    yield from self._ended(recorder, partial(recorder.fail, error))
                case _:
                    recorder.check()
                    yield Advanced(recorder.run, record)
        for recorder in recorders:
            if not recorder.ended:
                yield from self._ended(recorder, recorder.put_aside)

    def _commit(self, recorder: Recorder, record: Commit, threads: Executor) -> None:
        """Store where a run is; one whose state can't be stored has failed."""
        try:
            with self.interruptions.shielded():
                recorder.commit(record, threads)
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
        measured=int(learner.rows[-1]["steps"] or 0) if learner.rows else 0,
        total=run.setting.epochs * learner.epoch_steps,
        epochs=run.setting.epochs,
        step_examples=learner.step_examples,
        cohort=recorder.cohort.size,
        warning=_warning(recorder),
    )


def _warning(recorder: Recorder) -> str:
    """What could not be gone on from, and from where the run goes on without it."""
    faults = []
    if recorder.left_aside:
        damaged = "are damaged" if len(recorder.left_aside) > 1 else "is damaged"
        faults.append(f"{recorder.place}: {' and '.join(recorder.left_aside)} {damaged}")
    if recorder.base_fault:
        faults.append(recorder.base_fault)
    if not faults:
        return ""
    steps = recorder.learner.steps
    where = f"goes on from step {steps:,}" if steps else "starts over"
    return f"{'; '.join(faults)}; the run {where}"
