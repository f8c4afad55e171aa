"""The training loop: one cohort, step by step, as a stream of records."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from optbench.config.spec import CHECKPOINT_EVERY
from optbench.errors import FOREIGN
from optbench.training.batches import SharedBatches
from optbench.training.checkpoint import to_bytes
from optbench.training.noise import SharedNoise
from optbench.training.part import parts
from optbench.training.records import (
    Commit,
    End,
    Evaluation,
    Failure,
    LastState,
    Record,
    Step,
)
from optbench.training.state_bytes import state_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.training.learner import Learner

COMMIT_SHARE = 0.01  # of the time: epochs too short for that are committed several at once
READ_EVERY = 50  # steps between looks at the losses on the CPU, which cost little


def train(learners: Sequence[Learner], until: int | None = None) -> Iterator[Record]:
    """Train runs of one problem side by side, from wherever they stand, until each has ended.

    With `until` they are left after so many epochs, at a commit, and go on another time.

    They share loss, batch size, batches a step, epochs, steps of evaluations and checkpoints, and
    step count. The `run` of a record is the index of its learner. A run whose loss is no longer
    finite ends as diverged, one whose own code raises has failed; the others go on.
    """
    first = learners[0]
    total = first.run.setting.epochs * first.epoch_steps
    row_steps = first.run.setting.steps_between("evaluate_every", first.epoch_steps)
    asked_steps = first.run.setting.steps_between(CHECKPOINT_EVERY, total)
    stop = total if until is None else min(until * first.epoch_steps, total)
    steps = first.steps
    with SharedNoise(first.data.device) as noise:
        cohort = _Cohort(learners, noise)
        if not first.rows:
            yield from cohort.rows()
        while cohort.parts and steps < stop:
            steps += 1
            row_due = steps % row_steps == 0
            epoch_over = steps % first.epoch_steps == 0
            commit_asked = steps % asked_steps == 0 or steps == stop
            cohort.step(measure=row_due or steps == total)
            if row_due or epoch_over or commit_asked or cohort.is_due_a_look(steps):
                yield from cohort.settle()
            if row_due:
                yield from cohort.rows()
            if epoch_over:
                yield from cohort.end_epoch()
            if steps < total and (commit_asked or (epoch_over and cohort.is_worth_a_commit())):
                yield from cohort.commit()
        if steps == total:
            yield from cohort.last_states()
            if steps % row_steps:
                yield from cohort.rows()
            yield from cohort.end()


class _Cohort:
    """The runs that go on, and what is said of them."""

    def __init__(self, learners: Sequence[Learner], noise: SharedNoise) -> None:
        self.indices = {learner: index for index, learner in enumerate(learners)}
        self.parts = parts(learners, noise)
        self.on_cpu = learners[0].data.device.type == "cpu"
        self.batches = SharedBatches()
        self.clock = _Clock()
        self.committed = perf_counter()
        self.commit_seconds = 0.0  # that the last one took

    @property
    def learners(self) -> Iterator[Learner]:
        return (learner for part in self.parts for learner in part.learners)

    def is_due_a_look(self, steps: int) -> bool:
        """Whether to read the losses within an epoch, which waits for a device that is not a CPU.

        A run that has failed is dropped at once: it is a step behind the others.

        Such a device has nothing to do meanwhile, so that it is left alone but for a sign of life.
        """
        for part in self.parts:
            for learner in part.learners:
                if learner.failure is not None:
                    return True
        if self.on_cpu:
            return steps % READ_EVERY == 0 or self.clock.silence() > 0.5
        return self.clock.silence() > 5

    def step(self, *, measure: bool) -> None:
        for part in self.parts:
            part.step(self.batches, measure=measure)

    def settle(self) -> Iterator[Record]:
        """Look at the losses of the last steps."""
        for part in self.parts:
            part.settle()
        self._share_out()
        yield from self._drop_ended()
        for learner in self.learners:
            yield Step(self.indices[learner], learner.steps, learner.interval.means(None).loss)
        self.clock.start()

    def rows(self) -> Iterator[Record]:
        """Evaluate all runs that are left."""
        for part in self.parts:
            began = perf_counter()
            part.measure()
            evaluated = (perf_counter() - began) / len(part.learners)
            for learner in part.learners:
                if not learner.over:
                    trained, learner.train_seconds = learner.train_seconds, 0.0
                    learner.timings.append((learner.steps, trained, evaluated))
                    yield Evaluation(self.indices[learner], learner.rows[-1], trained, evaluated)
        yield from self._drop_ended()
        self.clock.start()

    def end_epoch(self) -> Iterator[Record]:
        """Advance the schedules."""
        for part in self.parts:
            part.end_epoch()
        yield from self._drop_ended()

    def commit(self) -> Iterator[Record]:
        """From here a run can be resumed."""
        self._take_back()
        began = perf_counter()
        for learner in self.learners:
            yield Commit(self.indices[learner], learner.steps, partial(to_bytes, learner))
        self.committed = perf_counter()
        self.commit_seconds = self.committed - began
        self.clock.start()

    def last_states(self) -> Iterator[Record]:
        """From here a longer run can go on."""
        self._take_back()
        for learner in self.learners:
            if learner.run.setting.keeps_state:
                yield LastState(self.indices[learner], partial(to_bytes, learner))

    def _take_back(self) -> None:
        """What is stored includes what was drawn, and the seconds up to here."""
        self._share_out()
        for part in self.parts:
            part.noise.take_back()

    def _share_out(self) -> None:
        """Give each run its share of the seconds of training since the last time."""
        learners = [*self.learners]
        share = self.clock.lap() / max(len(learners), 1)
        for learner in learners:
            learner.train_seconds += share

    def is_worth_a_commit(self) -> bool:
        """Whether so much was trained since the last commit that another takes a small share."""
        return self.commit_seconds <= COMMIT_SHARE * (perf_counter() - self.committed)

    def end(self) -> Iterator[Record]:
        for learner in self.learners:
            yield self._end(learner)

    def _drop_ended(self) -> Iterator[Record]:
        ended = [learner for learner in self.learners if learner.over]
        for part in self.parts:
            part.drop_ended()
        self.parts = [part for part in self.parts if part.learners]
        for learner in ended:
            yield self._end(learner)

    def _end(self, learner: Learner) -> End | Failure:
        index = self.indices[learner]
        if learner.failure is not None and learner.diverged is None:
            return Failure(index, learner.failure)
        try:
            held = state_bytes(learner.optimizer)
        except FOREIGN as error:  # an optimizer of one's own may keep anything for its state
            return Failure(index, error)
        return End(
            index,
            "diverged" if learner.diverged else "completed",
            learner.diverged,
            learner.weights,
            held / learner.size,
        )


class _Clock:
    """Seconds of training; it starts again after records went out and rows were measured."""

    def __init__(self) -> None:
        self.since = perf_counter()

    def silence(self) -> float:
        """Seconds without a sign of life."""
        return perf_counter() - self.since

    def start(self) -> None:
        self.since = perf_counter()

    def lap(self) -> float:
        """Seconds since the start, or the last lap."""
        before, self.since = self.since, perf_counter()
        return self.since - before
