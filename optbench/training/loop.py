"""The training loop: one cohort, step by step, as a stream of records."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from optbench.training.checkpoint import to_bytes
from optbench.training.records import Commit, End, Evaluation, Record, Step
from optbench.training.seeding import global_state, set_global_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch
    from torch import Tensor

    from optbench.training.learner import Learner

READ_EVERY = 50  # steps between looks at the losses: each look waits for the device


def train(learners: Sequence[Learner]) -> Iterator[Record]:
    """Train runs of one problem side by side, from wherever they stand, until each has ended.

    They share batch size, epochs, evaluation steps and step count. The `run` of a record is the
    index of its learner. A run whose loss is no longer finite ends as diverged; the others go on.
    """
    one = learners[0]
    setting = one.run.setting
    total = setting.epochs * one.epoch_steps
    every = setting.training["evaluate_every"]
    row_steps = every["steps"] if isinstance(every, dict) else one.epoch_steps
    alive = dict(enumerate(learners))
    batches = _Batches()
    noise = _SharedNoise(one.data.device)
    clock = _Clock(len(alive))
    try:
        steps = one.steps
        if not one.rows:
            yield from _rows(alive, clock, noise)
        while alive and steps < total:
            steps += 1
            row_due = steps % row_steps == 0 or steps == total
            epoch_over = steps % one.epoch_steps == 0
            for learner in alive.values():
                noise.lend(learner)
                learner.step(*batches.next(learner), measure=row_due)
            if row_due or epoch_over or steps % READ_EVERY == 0 or clock.patience_is_over():
                yield from _settle(alive, clock)
            if row_due:
                yield from _rows(alive, clock, noise)
            if epoch_over:
                yield from _end_epoch(alive, noise)
            if row_due or epoch_over:
                clock.start()
        for index, learner in alive.items():
            yield _end(index, learner)
    finally:
        noise.give_back()


def _settle(alive: dict[int, Learner], clock: _Clock) -> Iterator[Record]:
    clock.stop()
    for index, learner in list(alive.items()):
        learner.settle()
        if learner.diverged:
            yield _end(index, learner)
            del alive[index]
        else:
            yield Step(index, learner.steps, learner.interval.means()[0])
    clock.start()


def _rows(alive: dict[int, Learner], clock: _Clock, noise: _SharedNoise) -> Iterator[Record]:
    trained = clock.lap()
    for index, learner in list(alive.items()):
        began = perf_counter()
        noise.lend(learner)  # some models draw in eval mode too
        row = learner.measure()
        evaluated = perf_counter() - began
        if learner.diverged:
            yield _end(index, learner)
            del alive[index]
            continue
        learner.timings.append((learner.steps, trained, evaluated))
        yield Evaluation(index, row, trained, evaluated)


def _end_epoch(alive: dict[int, Learner], noise: _SharedNoise) -> Iterator[Record]:
    for index, learner in alive.items():
        noise.lend(learner)
        learner.end_epoch()
        noise.keep(learner)
        yield Commit(index, learner.steps, partial(to_bytes, learner))


def _end(index: int, learner: Learner) -> End:
    return End(
        index,
        "diverged" if learner.diverged else "completed",
        learner.diverged,
        learner.weights,
        learner.state_bytes() / learner.size,
    )


class _Batches:
    """The next batch of a learner; those of one seed at one step share it."""

    def __init__(self) -> None:
        self.orders: dict[int, tuple[int, Tensor]] = {}
        self.shared: dict[int, tuple[int, tuple[Tensor, Tensor]]] = {}

    def next(self, learner: Learner) -> tuple[Tensor, Tensor]:
        """Inputs `[batch, *input_shape]` and targets `[batch]` of the learner's next step."""
        seed = learner.run.seed
        steps, batch = self.shared.get(seed, (-1, None))
        if steps != learner.steps or batch is None:
            epoch, index = divmod(learner.steps, learner.epoch_steps)
            start = index * learner.batch_size
            chosen = self._order(learner, epoch)[start : start + learner.batch_size]
            batch = learner.data.train.pick(chosen)
            self.shared[seed] = learner.steps, batch
        return batch

    def _order(self, learner: Learner, epoch: int) -> Tensor:
        known, order = self.orders.get(learner.run.seed, (-1, None))
        if known != epoch or order is None:
            order = learner.order(epoch)
            self.orders[learner.run.seed] = epoch, order
        return order


class _SharedNoise:
    """torch's global generators, lent to one learner at a time and given back in the end."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.before = global_state(device)
        self.holder: Learner | None = None

    def lend(self, learner: Learner) -> None:
        if self.holder is not learner:
            if self.holder is not None:
                self.keep(self.holder)
            set_global_state(learner.noise, self.device)
            self.holder = learner

    def keep(self, learner: Learner) -> None:
        if self.holder is learner:
            learner.noise = global_state(self.device)

    def give_back(self) -> None:
        set_global_state(self.before, self.device)


class _Clock:
    """Seconds of training in an interval, a run's share of them; stopped while records go out."""

    PATIENCE = 0.5  # seconds without a sign of life

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.seconds = 0.0
        self.since = perf_counter()

    def patience_is_over(self) -> bool:
        return perf_counter() - self.since > self.PATIENCE

    def stop(self) -> None:
        self.seconds += perf_counter() - self.since
        self.since = perf_counter()

    def start(self) -> None:
        self.since = perf_counter()

    def lap(self) -> float:
        share = self.seconds / self.runs
        self.seconds = 0.0
        return share
