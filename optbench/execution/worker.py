"""Carries a plan out in this process: trains, stores, and says what goes on."""

from __future__ import annotations

import dataclasses
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING

import torch
from torch import nn

from optbench.catalog.labels import problem_label
from optbench.catalog.resolve import source_of
from optbench.errors import ConfigError, EnvironmentFault, Interrupted, Problem
from optbench.execution.data import data_key, load_data, training_size
from optbench.execution.environment import Environment, describe_environment
from optbench.execution.recorder import Recorder
from optbench.store.index import finished_run
from optbench.store.lock import RunLock
from optbench.store.rundir import RunDirectory
from optbench.training.build import build_model, build_optimizer, build_schedule
from optbench.training.data import DeviceData, batches, to_device
from optbench.training.device import choose_device, reproducible
from optbench.training.events import Advanced, Ended, Event, Started
from optbench.training.loop import train
from optbench.training.records import Commit, End

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from optbench.config.spec import Run
    from optbench.execution.plan import Plan, Planned
    from optbench.execution.signals import Interruptions
    from optbench.training.learner import Learner


CPU = torch.device("cpu")


class Worker:
    """Trains runs one after the other in this process, loading each problem's data once."""

    def __init__(self, data_dir: Path, interruptions: Interruptions) -> None:
        self.data_dir = data_dir
        self.interruptions = interruptions
        self._loaded: tuple[str, str, DeviceData] | None = None

    def carry_out(self, plan: Plan) -> Iterator[Event]:
        """Train what a plan has to train, in its order.

        A run that its own code breaks is stored as failed, and the rest go on. Raises
        `ConfigError`, `UsageError`, `DataError`, `StoreError` and `Interrupted`.
        """
        self.prepare(plan)
        for planned in plan.to_train:
            yield from self.train(planned, force=plan.force)

    def prepare(self, plan: Plan, *, rehearse: bool = True) -> tuple[str, ...]:
        """Find the devices that a plan asks for; their types, each once.

        `rehearse` builds every setting once before anything trains, so that what a class refuses
        is known at once.
        """
        names = dict.fromkeys(planned.run.device for planned in plan.to_train)
        devices = dict.fromkeys(choose_device(name).type for name in names)
        if rehearse:
            with self.interruptions.shielded():  # building imports parts of torch, see train_plan
                self._rehearse(plan)
        return tuple(devices)

    def train(self, planned: Planned, *, force: bool) -> Iterator[Event]:
        """Train one run to its stored end."""
        device = choose_device(planned.run.device)
        with reproducible(device):
            yield from self._train(planned, device, force=force)

    def _rehearse(self, plan: Plan) -> None:
        """Build model, optimizer and schedule of each setting once; raises every refusal."""
        problems: list[Problem] = []
        models: dict[str, nn.Module] = {}
        for run in {p.run.setting.setting_hash: p.run for p in plan.to_train}.values():
            source, key = source_of(run.setting.dataset), run.setting.problem_hash
            try:
                if key not in models:
                    models[key] = build_model(run, source.input_shape, source.classes, CPU)
                optimizer = build_optimizer(run.setting, models[key])
                steps = batches(training_size(run.setting), run.setting.batch_size)
                build_schedule(run.setting, optimizer, steps)
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(problems)

    def _data(self, run: Run, device: torch.device) -> DeviceData:
        key = data_key(run.setting)
        if self._loaded is None or self._loaded[:2] != (key, str(device)):
            self._loaded = None  # before the next is loaded: two may not fit
            data = to_device(load_data(run.setting.dataset, self.data_dir), device)
            self._loaded = key, str(device), data
        return self._loaded[2]

    def _train(self, planned: Planned, device: torch.device, *, force: bool) -> Iterator[Event]:
        run, place = planned.run, planned.directory
        with ExitStack() as held:
            final = RunDirectory(place)
            final.create()
            held.enter_context(RunLock(place))
            stored = None if force else finished_run(place, run.hash)
            if stored is not None:
                yield Ended(run, place, stored.result)  # another process was faster
                return
            directory = final
            if force:
                directory = final.beside
                shutil.rmtree(directory.path, ignore_errors=True)
                directory.create()
                held.enter_context(RunLock(directory.path))
            environment = describe_environment(str(device))
            for event in self._record(run, self._data(run, device), directory, environment):
                if force and isinstance(event, Ended):
                    with self.interruptions.shielded():
                        directory.replace(place)
                    yield dataclasses.replace(event, directory=place)
                else:
                    yield event

    def _record(
        self, run: Run, data: DeviceData, directory: RunDirectory, environment: Environment
    ) -> Iterator[Event]:
        label = problem_label(run.setting, data.input_shape, data.classes)
        recorder = Recorder(run, data, directory, environment, label)
        recorder.begin()
        try:
            yield _started(run, recorder.learner, label)
            yield from self._follow(run, recorder)
        except (Interrupted, GeneratorExit):
            recorder.interrupt()
            raise
        except EnvironmentFault:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001  (foreign code raises anything)
            yield Ended(run, directory.path, recorder.fail(error))

    def _follow(self, run: Run, recorder: Recorder) -> Iterator[Event]:
        for record in train([recorder.learner]):
            match record:
                case Commit():
                    with self.interruptions.shielded():
                        recorder.commit(record)
                case End():
                    with self.interruptions.shielded():
                        # Still shielded: who watches is to know of the end before a signal does.
                        yield Ended(run, recorder.directory.path, recorder.end(record))
                case _:
                    yield Advanced(run, record)


def _started(run: Run, learner: Learner, label: str) -> Started:
    data = learner.data
    held_out = "" if data.validation is None else f"{len(data.validation):,} validation, "
    sizes = f"{len(data.train):,} train, {held_out}{len(data.test):,} test"
    return Started(
        run=run,
        problem=label,
        data=sizes,
        device=str(data.device),
        steps=learner.steps,
        total=run.setting.epochs * learner.epoch_steps,
        epochs=run.setting.epochs,
        batch_size=learner.batch_size,
    )
