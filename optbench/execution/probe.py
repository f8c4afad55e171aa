"""How long cohorts will take, from a few steps of each kind of run on the real data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from optbench.config.canonical import digest
from optbench.config.spec import CHECKPOINT_EVERY
from optbench.execution.data import data_key, load_data
from optbench.training.data import DeviceData, to_device
from optbench.training.device import choose_device, reproducible
from optbench.training.evaluation import CHUNK
from optbench.training.learner import Learner
from optbench.training.loop import train
from optbench.training.records import Commit, Evaluation

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from pathlib import Path

    from optbench.config.spec import Run
    from optbench.execution.cohorts import Cohort
    from optbench.execution.plan import Planned
    from optbench.training.records import Record

BUDGET = 1.5  # seconds for the kinds of runs on one data set
FIRST_STEPS, MOST_STEPS = 3, 200  # the first find out how many more the budget allows


@dataclass(frozen=True)
class Pace:
    """What a run costs beside the others of its cohort, in seconds."""

    begin: float
    step: float
    example: float  # evaluated
    commit: float

    def of(self, planned: Planned, data: DeviceData) -> float:
        """Seconds of a run, of what is left of one that goes on from a shorter one."""
        setting = planned.run.setting
        held_out = len(data.test) + (0 if data.validation is None else len(data.validation))
        epoch_steps = setting.epoch_steps(len(data.train))
        steps = planned.epochs * epoch_steps
        rows, commits = (
            steps // setting.steps_between(key, epoch_steps)
            for key in ("evaluate_every", CHECKPOINT_EVERY)
        )
        evaluated = rows * held_out
        if not planned.begun:
            evaluated += len(data.train) + held_out  # the untrained model on all examples
        return self.begin + steps * self.step + evaluated * self.example + commits * self.commit


def probe(
    to_train: Sequence[Planned], cohorts: Sequence[Cohort], data_dir: Path
) -> tuple[float, list[float]]:
    """Seconds that loading the data will take, and training each cohort; nothing is stored.

    Raises `DataError` for data that aren't there.
    """
    kinds = _kinds([[to_train[index] for index in cohort] for cohort in cohorts])
    seconds: dict[Hashable, float] = {}
    loading = 0.0
    for key in {data_key(kind[0].run.setting): None for kind in kinds.values()}:
        mine = {kind: some for kind, some in kinds.items() if data_key(some[0].run.setting) == key}
        first = next(iter(mine.values()))[0].run
        device = choose_device(first.device)
        began = perf_counter()
        data = to_device(load_data(first.setting, data_dir), device)
        loading += perf_counter() - began
        with reproducible(device):
            for kind, some in mine.items():
                pace = _pace([planned.run for planned in some], data, BUDGET / len(mine))
                seconds[kind] = pace.of(some[0], data)
    costs = [seconds[_kind(planned)] for planned in to_train]
    return loading, [sum(costs[index] for index in cohort) for cohort in cohorts]


def _kinds(cohorts: Sequence[Sequence[Planned]]) -> dict[Hashable, list[Planned]]:
    """Of each kind as many runs as the first cohort has that holds one, or as there are."""
    kinds: dict[Hashable, list[Planned]] = {}
    sizes: dict[Hashable, int] = {}
    for cohort in cohorts:
        for planned in cohort:
            kind = _kind(planned)
            some = kinds.setdefault(kind, [])
            if len(some) < sizes.setdefault(kind, len(cohort)):
                some.append(planned)
    return kinds


def _kind(planned: Planned) -> Hashable:
    """Runs that take as long, if they don't diverge: other hyperparameters matter little."""
    run = planned.run
    how = digest({"training": run.setting.training}), run.setting.optimizer["name"]
    return run.setting.problem_hash, *how, run.device, planned.begun


def _pace(cohort: Sequence[Run], data: DeviceData, budget: float) -> Pace:
    """From as many steps and evaluated examples as about `budget` seconds allow."""
    batch = cohort[0].setting.step_examples(len(data.train))
    began = perf_counter()
    pace = _timed(cohort, _beginning(data, FIRST_STEPS * batch, batch))
    left = (budget - (perf_counter() - began)) / len(cohort)
    steps = min(left / 2 / pace.step, MOST_STEPS)
    if steps <= FIRST_STEPS:
        return pace
    examples = CHUNK if left / 4 > CHUNK * pace.example else batch
    return _timed(cohort, _beginning(data, int(steps) * batch, examples))


def _timed(cohort: Sequence[Run], data: DeviceData) -> Pace:
    """The pace of an epoch on these data."""
    began = perf_counter()
    learners = [Learner(run, data) for run in cohort]
    built = perf_counter()
    trained, evaluated, commit = _first_epoch(train(learners), learners[0].epoch_steps)
    held_out = len(data.test) + (0 if data.validation is None else len(data.validation))
    runs = len(cohort)
    return Pace(
        begin=(built - began) / runs,
        step=trained / runs / learners[0].epoch_steps,
        example=evaluated / runs / (len(data.train) + held_out),
        commit=commit,
    )


def _first_epoch(records: Iterator[Record], steps: int) -> tuple[float, float, float]:
    """Seconds of training, of the untrained models' evaluation, and of one checkpoint's making.

    A run that ends before its first checkpoint took nothing more.
    """
    untrained = evaluated = 0.0
    began = since = perf_counter()
    for record in records:
        match record:
            case Evaluation(row={"steps": 0}):
                untrained += record.evaluation_seconds
                since = perf_counter()
            case Evaluation():
                evaluated += record.evaluation_seconds
            case Commit() if record.steps == steps:
                trained = perf_counter() - since - evaluated
                record.state()
                return trained, untrained, perf_counter() - since - evaluated - trained
    return perf_counter() - began, untrained, 0.0


def _beginning(data: DeviceData, train: int, held_out: int) -> DeviceData:
    """The first examples of each split."""
    return dataclasses.replace(
        data,
        train=data.train.first(train),
        validation=None if data.validation is None else data.validation.first(held_out),
        test=data.test.first(held_out),
    )
