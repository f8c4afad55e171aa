"""Whether an optimizer keeps to itself: beside another of its class, and in a stacked cohort."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.datasets.task import Task
from optbench.config.spec import Run
from optbench.training.check.finding import Finding
from optbench.training.check.trial import CLASSES, Trial, make_batch, said
from optbench.training.data import DeviceData, Split
from optbench.training.learner import Learner
from optbench.training.loop import train
from optbench.training.records import End, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.training.check.finding import Subject

STEPS = 6


def stacks(subject: Subject) -> Finding:
    """Take turns with another of its class, then train stacked with one: the bytes of alone."""
    alone, first = Trial(subject), Trial(subject)
    second = Trial(subject, seed=1)
    alone.steps(STEPS)
    for _ in range(STEPS):
        second.step()
        first.step()
    if first.bits() != alone.bits():
        reason = "two of them disturb each other: something is kept for the class"
        return Finding("stacks", "fails", reason)
    if subject.kind != "dense":
        return Finding("stacks", "doesn't apply", "the models that can be stacked don't suit it")
    learner = _learner(subject, 0)
    if not learner.way.stacked:
        return Finding("stacks", "doesn't apply", f"trains alone: {learner.way.reason}")
    found = _trained([learner])
    together = _trained([_learner(subject, 0), _learner(subject, 1)])
    for end in (*found, *together):
        if isinstance(end, Failure):
            return Finding("stacks", "fails", f"breaks when stacked: {said(end.error)}")
    weights = [end.weights() for end in (*found, *together) if isinstance(end, End)]
    if weights[0] != weights[1]:
        return Finding("stacks", "fails", "gives other bytes beside another run")
    return Finding("stacks", "works", "stacked with another run it gives the bytes of alone")


def _learner(subject: Subject, seed: int) -> Learner:
    split = Split(*make_batch("dense"))
    setting = subject.candidate.at(subject.lr)
    run = Run("check", setting, seed, declared_seeds=2, device="cpu")
    return Learner(run, DeviceData(split, None, split, Task((8,), CLASSES)))


def _trained(learners: Sequence[Learner]) -> list[End | Failure]:
    """How each ended, in their order."""
    ends = {record.run: record for record in train(learners) if isinstance(record, End | Failure)}
    return [ends[index] for index in range(len(learners))]
