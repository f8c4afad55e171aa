"""What an optimizer makes of gradients that are NaN or sparse, and of shapes beyond matrices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from optbench.errors import FOREIGN
from optbench.training.check.finding import Finding, Subject
from optbench.training.check.trial import CLASSES, USED, Trial, said

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 3


def nan(subject: Subject) -> Finding:
    """One NaN in one gradient: it must show in the parameters, or do no harm."""
    trial = Trial(subject)
    trial.steps(STEPS)
    before = trial.bits()
    trial.poisoned = True
    try:
        trial.step()
        unmoved = trial.bits() == before
        trial.poisoned = False
        trial.steps(STEPS)
    except FOREIGN as error:
        return Finding("nan", "fails", f"raises, so that a run fails: {said(error)}")
    if not all(bool(value.isfinite().all()) for value in trial.values().values()):
        return Finding("nan", "works", "parameters become NaN, so that a run ends as diverged")
    how = "skips the step and goes on" if unmoved else "parameters stay finite"
    return Finding("nan", "works", how)


def sparse(subject: Subject) -> Finding:
    """Embeddings with sparse gradients, some rows of which are in no example."""
    try:
        trial = Trial(Subject(subject.candidate, "sparse", subject.lr))
        before = trial.values()
        trial.steps(STEPS)
    except FOREIGN as error:
        return Finding("sparse", "fails", f"refuses them: {said(error)}")
    after = trial.values()
    if not math.isfinite(trial.loss()):
        return Finding("sparse", "fails", f"parameters are no longer finite after {STEPS} steps")
    if all(torch.equal(before[name][:USED], after[name][:USED]) for name in before):
        return Finding("sparse", "fails", "ignores them: nothing moves")
    same = all(torch.equal(before[name][USED:], after[name][USED:]) for name in before)
    which = "only rows with a gradient" if same else "rows without a gradient too"
    return Finding("sparse", "works", f"takes them, moves {which}")


class _Scaled(nn.Module):
    """Inputs times a learned number, a parameter without dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.scale * inputs


def _filters() -> nn.Module:
    return nn.Sequential(nn.Unflatten(1, (2, 2, 2)), nn.Conv2d(2, CLASSES, 2), nn.Flatten())


def _scalar() -> nn.Module:
    return nn.Sequential(_Scaled(), nn.Linear(8, CLASSES))


_SHAPES: dict[str, Callable[[], nn.Module]] = {
    "vectors": lambda: nn.Linear(8, CLASSES),
    "filters": _filters,
    "scalars": _scalar,
}


def shapes(subject: Subject) -> Finding:
    """Beyond matrices: vectors, filters of four dimensions, and a number alone."""
    if subject.kind == "sparse":
        try:
            Trial(Subject(subject.candidate, "dense", subject.lr)).step()
        except FOREIGN as error:
            return Finding("shapes", "fails", said(error))
    for name, make in _SHAPES.items():
        try:
            Trial(Subject(subject.candidate, "dense", subject.lr), make=make).steps(STEPS)
        except FOREIGN as error:
            return Finding("shapes", "fails", f"does not take {name}: {said(error)}")
    return Finding("shapes", "works", "takes matrices, vectors, filters and scalars")
