"""A part of a cohort: runs that go through one network, stacked, or a run alone."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor

from optbench.errors import FOREIGN
from optbench.training.accumulation import MeanGradient
from optbench.training.autograd import ByAutograd
from optbench.training.chain import Chain
from optbench.training.compiled import Compiled
from optbench.training.device import restore_settings
from optbench.training.evaluation import Score, evaluate
from optbench.training.replay import Replay
from optbench.training.row import next_row
from optbench.training.vmapped import Vmapped

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from optbench.training.batches import SharedBatches
    from optbench.training.data import Split
    from optbench.training.learner import Learner
    from optbench.training.network import Network
    from optbench.training.noise import SharedNoise


class Part:
    """Learners step by step through their network; what one's own code raises ends it alone."""

    def __init__(self, learners: Sequence[Learner], noise: SharedNoise) -> None:
        self.learners = list(learners)
        self.stacked = self.learners[0].way.stacked
        self.task, self.grading = self.learners[0].data.task, self.learners[0].grading
        self.noise = noise
        self.network = _network(self.learners)
        self._pending: list[_Batches] = []

    def drop_ended(self) -> None:
        """Go on without the runs that are over; the others don't notice."""
        if any(learner.over for learner in self.learners):
            self.learners = [learner for learner in self.learners if not learner.over]
            self.network = _network(self.learners) if self.learners else self.network

    def step(self, batches: SharedBatches, *, measure: bool) -> None:
        """One optimizer step of each run; `measure` takes what a row needs."""
        if self.learners[0].calls_back:
            self._step_by_closure(batches, measure=measure)
            return
        with self._on_its_own():
            self._pending += self._differentiate(batches)
        for learner in self.learners:
            if learner.failure is None:
                self._update(learner, measure=measure)

    def _differentiate(self, batches: SharedBatches) -> list[_Batches]:
        """Leave the gradients of the next step's batches, their mean where there are several."""
        sizes = self.learners[0].next_sizes
        several = self.learners if len(sizes) > 1 else []
        means = [MeanGradient(learner.parameters) for learner in several]
        found = []
        for place, size in enumerate(sizes):
            drawn = [batches.next(learner, place) for learner in self.learners]
            losses, outputs = self.network.differentiate(drawn)
            targets = [targets for _, targets in drawn]
            found.append(_Batches(self.learners[0].steps + 1, losses, self._kept(outputs), targets))
            for mean in means:
                mean.add(size / sum(sizes))
        for mean in means:
            mean.hand_out()
        return found

    def _kept(self, outputs: Tensor) -> Tensor:
        """What is needed of outputs until they are graded: of many positions the answers alone."""
        if self.task.positions and self.grading is not None:
            return self.grading.answer(outputs)
        return outputs

    def _step_by_closure(self, batches: SharedBatches, *, measure: bool) -> None:
        """A step of an optimizer that evaluates the loss itself; the first evaluation counts."""
        (learner,) = self.learners
        evaluations = 0

        def closure() -> float:
            nonlocal evaluations
            found = self._differentiate(batches)
            if not evaluations:
                self._pending += found
            learner.receive(measure=measure and not evaluations)
            evaluations += 1
            return cast("float", _mean_loss(found))  # a tensor will do

        with self._blamed(learner):
            learner.update(closure, measure=measure)
            if not evaluations:
                raise RuntimeError("the optimizer never evaluated the loss")

    def settle(self) -> None:
        """Read the losses of the steps since the last call."""
        if not self._pending:
            return
        losses = torch.stack([found.losses for found in self._pending]).t().tolist()
        correct = self._correct()
        steps = [found.step for found in self._pending]
        sizes = [found.size for found in self._pending]
        self._pending.clear()
        for learner, its_losses, its_correct in zip(self.learners, losses, correct, strict=True):
            learner.take(steps, its_losses, sizes, its_correct)

    def _correct(self) -> list[int]:
        """How many answers each run got right in the pending steps; 0 where nothing is graded."""
        if self.grading is None:
            return [0] * len(self.learners)
        outputs = torch.cat([found.outputs for found in self._pending], dim=1)
        targets = [torch.cat(run) for run in zip(*(f.targets for f in self._pending), strict=True)]
        if self.task.positions:
            return (outputs == torch.stack(targets)).flatten(1).sum(1).tolist()
        return self.grading.correct(outputs, torch.stack(targets)).tolist()

    def measure(self) -> None:
        """Evaluate all runs: a row for each."""
        data = self.learners[0].data
        with self._on_its_own():
            train = [learner.interval.means(self.grading) for learner in self.learners]
            if self.learners[0].steps == 0:
                train = self._scores(data.train)
            keep = any(learner.measures for learner in self.learners)
            with self._averaged():
                validation = self._validation(keep=keep)
                test = self._scores(data.test, keep=keep)
            for index, learner in enumerate(self.learners):
                with self._blamed(learner):
                    row = next_row(learner, train[index], validation[index], test[index])
                    learner.add_row(row)

    def end_epoch(self) -> None:
        """Advance the schedules that go by epochs."""
        with self._on_its_own():
            wanted = any(learner.waits_for_validation for learner in self.learners)
            with self._averaged():
                scores = self._validation() if wanted else [None] * len(self.learners)
            for learner, score in zip(self.learners, scores, strict=True):
                with self._blamed(learner):
                    learner.end_epoch(score)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Inside, every model has the weights to evaluate."""
        with ExitStack() as held:
            for learner in self.learners:
                held.enter_context(learner.averaged())
            yield

    def _validation(self, *, keep: bool = False) -> Sequence[Score | None]:
        validation = self.learners[0].data.validation
        if validation is None:
            return [None] * len(self.learners)
        return self._scores(validation, keep=keep)

    def _scores(self, split: Split, *, keep: bool = False) -> list[Score]:
        chain = self.learners[0].way.kind == "chain"
        # An optimizer of one's own may have changed the weights already.
        own = any(learner.own_optimizer for learner in self.learners)
        if self.learners[0].steps or not chain or own or keep:
            return self._evaluate(self.network, split, keep=keep)
        # A chain draws nothing here, so that untrained ones with the same weights score alike.
        starts = [_start(learner) for learner in self.learners]
        distinct = dict(zip(starts, self.learners, strict=True))
        new = {start: distinct[start] for start in distinct.keys() - split.untrained.keys()}
        if new:
            found = self._evaluate(_network([*new.values()]), split, keep=False)
            split.untrained.update(zip(new, found, strict=True))
        return [split.untrained[start] for start in starts]

    def _evaluate(self, network: Network, split: Split, *, keep: bool) -> list[Score]:
        first = self.learners[0]
        loss = first.loss if split is first.data.train else first.evaluation_loss
        return evaluate(network, split, loss, self.grading, keep=keep)

    def _update(self, learner: Learner, *, measure: bool) -> None:
        if learner.own_optimizer:
            self._update_by_own(learner, measure=measure)
            return
        try:  # as `_blamed` does, which takes two microseconds for that
            learner.receive(measure=measure)
            learner.update(measure=measure)
        except FOREIGN as error:
            learner.failure = error

    def _update_by_own(self, learner: Learner, *, measure: bool) -> None:
        with self._blamed(learner):
            learner.receive(measure=measure)
            learner.update(measure=measure)
            if self.stacked:
                learner.check_parameters()

    @contextmanager
    def _on_its_own(self) -> Iterator[None]:
        """Whatever a single run's own code draws or raises is that run's.

        Stacked networks are optbench's: they draw from each run's generator and don't fail.
        """
        if self.stacked:
            self.noise.take_back()
            yield
            return
        (learner,) = self.learners
        with self._blamed(learner):
            yield

    @contextmanager
    def _blamed(self, learner: Learner) -> Iterator[None]:
        """What one's own code draws and raises inside is one run's."""
        self.noise.lend(learner.noise)
        try:
            yield
        except FOREIGN as error:
            learner.failure = error
        finally:
            restore_settings()


class _Batches(NamedTuple):
    """A batch of each run in a step, gone through: losses `[runs]` and outputs `[runs, batch, …]`.

    Its numbers are read later: that waits for a device which is not a CPU.
    """

    step: int
    losses: Tensor
    outputs: Tensor
    targets: Sequence[Tensor]

    @property
    def size(self) -> int:
        return self.outputs.shape[1]


def _start(learner: Learner) -> Hashable:
    """What the scores of an untrained chain depend on, beside the examples."""
    setting = learner.run.setting
    how = setting.label_smoothing, setting.dtype
    return setting.problem_hash, *how, learner.initial_weights


def _mean_loss(found: Sequence[_Batches]) -> Tensor:
    """Of the only run, over all examples of a step."""
    if len(found) == 1:
        return found[0].losses[0]
    examples = sum(batches.size for batches in found)
    return torch.stack([batches.losses[0] * (batches.size / examples) for batches in found]).sum()


def parts(learners: Sequence[Learner], noise: SharedNoise) -> list[Part]:
    """The runs of a cohort that can be stacked as one part, each of the others as its own."""
    stacked = [learner for learner in learners if learner.way.stacked]
    alone = [[learner] for learner in learners if not learner.way.stacked]
    return [Part(together, noise) for together in (stacked, *alone) if together]


def _network(learners: Sequence[Learner]) -> Network:
    first = learners[0]
    models = [learner.model for learner in learners]
    match first.way.kind:
        case "chain":
            noise = [learner.noise.cpu for learner in learners]
            return Chain(models, noise, first.run.setting.label_smoothing)
        case "replay":
            noise = [learner.noise.cpu for learner in learners]
            foreign = [learner.own_optimizer for learner in learners]
            return Replay(models, first.loss, noise, foreign)
        case "vmap":
            return Vmapped(models, first.loss)
        case "compiled":
            return Compiled(first.model, first.loss, first.data.device, first.amp)
        case "autograd":
            return ByAutograd(first.model, first.loss, first.amp)
