"""A part of a cohort: runs that go through one network, stacked, or a run alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from optbench.errors import FOREIGN
from optbench.training.autograd import ByAutograd
from optbench.training.chain import Chain
from optbench.training.compiled import Compiled
from optbench.training.device import restore_settings
from optbench.training.evaluation import Score, count_correct, evaluate
from optbench.training.vmapped import Vmapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.training.batches import SharedBatches
    from optbench.training.data import Split
    from optbench.training.learner import Learner
    from optbench.training.network import Batch, Network
    from optbench.training.noise import SharedNoise


class Part:
    """Learners step by step through their network; what one's own code raises ends it alone."""

    def __init__(self, learners: Sequence[Learner], noise: SharedNoise) -> None:
        self.learners = list(learners)
        self.stacked = self.learners[0].way.stacked
        self.noise = noise
        self.network = _network(self.learners)
        self._last = 0  # step of the last pending losses
        self._pending: list[tuple[Tensor, Tensor, Sequence[Tensor]]] = []

    def drop_ended(self) -> None:
        """Go on without the runs that are over; the others don't notice."""
        if any(learner.over for learner in self.learners):
            self.learners = [learner for learner in self.learners if not learner.over]
            self.network = _network(self.learners) if self.learners else self.network

    def step(self, batches: SharedBatches, *, measure: bool) -> None:
        """One optimizer step of each run; `measure` takes what a row needs."""
        drawn = [batches.next(learner) for learner in self.learners]
        self._last = self.learners[0].steps + 1
        if self.learners[0].calls_back:
            self._step_by_closure(drawn[0], measure=measure)
            return
        with self._on_its_own():
            self._note(*self.network.differentiate(drawn), drawn)
        for learner in self.learners:
            if learner.failure is None:
                self._update(learner, measure=measure)

    def _note(self, losses: Tensor, outputs: Tensor, drawn: Sequence[Batch]) -> None:
        self._pending.append((losses, outputs, [targets for _, targets in drawn]))

    def _step_by_closure(self, batch: Batch, *, measure: bool) -> None:
        """A step of an optimizer that evaluates the loss itself; the first evaluation counts."""
        (learner,) = self.learners
        evaluations = 0

        def closure() -> float:
            nonlocal evaluations
            losses, outputs = self.network.differentiate([batch])
            if not evaluations:
                self._note(losses, outputs, [batch])
            learner.receive(measure=measure and not evaluations)
            evaluations += 1
            return cast("float", losses[0])  # a tensor will do

        with self._blamed(learner):
            learner.update(closure)
            if not evaluations:
                raise RuntimeError("the optimizer never evaluated the loss")

    def settle(self) -> None:
        """Read the losses of the steps since the last call."""
        if not self._pending:
            return
        losses = torch.stack([losses for losses, _, _ in self._pending]).t().tolist()
        outputs = torch.cat([outputs for _, outputs, _ in self._pending], dim=1)
        targets = [torch.cat(run) for run in zip(*(y for _, _, y in self._pending), strict=True)]
        correct = count_correct(outputs, torch.stack(targets)).tolist()
        sizes = [found.shape[1] for _, found, _ in self._pending]
        self._pending.clear()
        for learner, its_losses, its_correct in zip(self.learners, losses, correct, strict=True):
            learner.take(its_losses, sizes, its_correct, last=self._last)

    def measure(self) -> None:
        """Evaluate all runs: a row for each."""
        data = self.learners[0].data
        with self._on_its_own():
            train = [learner.interval.means() for learner in self.learners]
            if self.learners[0].steps == 0:
                train = self._scores(data.train)
            validation = self._validation()
            test = self._scores(data.test)
            for index, learner in enumerate(self.learners):
                with self._blamed(learner):
                    learner.measure(train[index], validation[index], test[index])

    def end_epoch(self) -> None:
        """Advance the schedules that go by epochs."""
        with self._on_its_own():
            wanted = any(learner.waits_for_validation for learner in self.learners)
            scores = self._validation() if wanted else [None] * len(self.learners)
            for learner, score in zip(self.learners, scores, strict=True):
                with self._blamed(learner):
                    learner.end_epoch(score)
        self.noise.take_back()  # what is stored now includes what was drawn

    def _validation(self) -> Sequence[Score | None]:
        validation = self.learners[0].data.validation
        return [None] * len(self.learners) if validation is None else self._scores(validation)

    def _scores(self, split: Split) -> list[Score]:
        return evaluate(self.network, split, self.learners[0].loss)

    def _update(self, learner: Learner, *, measure: bool) -> None:
        with self._blamed(learner, own=learner.own_optimizer):
            learner.receive(measure=measure)
            learner.update()
            if learner.own_optimizer and self.stacked:
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
    def _blamed(self, learner: Learner, *, own: bool = True) -> Iterator[None]:
        """What goes on inside is one run's: what it raises, and if `own` code, what it draws."""
        if own:
            self.noise.lend(learner.noise)
        try:
            yield
        except FOREIGN as error:
            learner.failure = error
        finally:
            if own:
                restore_settings()


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
            return Chain(models, [learner.noise.cpu for learner in learners])
        case "vmap":
            return Vmapped(models, first.loss)
        case "compiled":
            return Compiled(first.model, first.loss, first.data.device)
        case "autograd":
            return ByAutograd(first.model, first.loss)
