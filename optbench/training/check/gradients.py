"""What an optimizer makes of gradients that are NaN or sparse, and of shapes beyond matrices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from optbench.errors import FOREIGN
from optbench.training.check.finding import Finding, Subject
from optbench.training.check.trial import CLASSES, USED, Trial, said

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 3
AFTER = 12  # steps after a NaN, for what looks back a few steps to be rid of it


def nan(subject: Subject) -> Finding:
    """One NaN in one gradient: it must show in the parameters, or do no harm."""
    trial = Trial(subject)
    trial.steps(STEPS)
    before, already = trial.bits(), _nonfinite(trial.optimizer.state_dict())
    trial.poisoned = True
    try:
        trial.step()
        unmoved = trial.bits() == before
        trial.poisoned = False
        moves = _moves_on(trial)
    except FOREIGN as error:
        return Finding("nan", "fails", f"raises, so that a run fails: {said(error)}")
    if not all(bool(value.isfinite().all()) for value in trial.values().values()):
        return Finding("nan", "works", "parameters become NaN, so that a run ends as diverged")
    if not moves and _moves_on(_unharmed(subject)):
        return Finding("nan", "fails", "parameters stay finite, but what had a NaN moves no more")
    if _nonfinite(trial.optimizer.state_dict()) > already:
        return Finding("nan", "fails", "parameters stay finite, but its state keeps NaN")
    how = "skips the step and goes on" if unmoved else "parameters stay finite and move"
    return Finding("nan", "works", how)


def _unharmed(subject: Subject) -> Trial:
    """The same at the same step, but without a NaN."""
    trial = Trial(subject)
    trial.steps(STEPS + 1)
    return trial


def _moves_on(trial: Trial) -> bool:
    """Whether the number whose gradient a trial poisons changes within the next steps."""
    places = set()
    for _ in range(AFTER):
        trial.step()
        places.add(float(next(trial.model.parameters()).detach().flatten()[0]))
    return len(places) > 1


def _nonfinite(state: Any) -> int:
    """How many numbers of a state, however deep, are NaN or infinite."""
    match state:
        case Tensor():
            return int((~state.to_dense().isfinite()).sum())
        case float():
            return int(not math.isfinite(state))
        case dict():
            return sum(map(_nonfinite, state.values()))
        case list() | tuple():
            return sum(map(_nonfinite, state))
    return 0


def sparse(subject: Subject) -> Finding:
    """Embeddings with sparse gradients: of all words in use, then of half of them alone."""
    half = USED // 2
    try:
        trial = Trial(Subject(subject.candidate, "sparse", subject.lr))
        first = trial.values()
        trial.steps(STEPS)
        second = trial.values()
        words, classes = trial.batch
        trial.batch = words % half, classes
        trial.steps(STEPS)
    except FOREIGN as error:
        return Finding("sparse", "fails", f"refuses them: {said(error)}")
    if not math.isfinite(trial.loss()):
        reason = f"parameters are no longer finite after {2 * STEPS} steps"
        return Finding("sparse", "fails", reason)
    if not _moved(first, second, slice(USED)):
        return Finding("sparse", "fails", "ignores them: nothing moves")
    last, which = trial.values(), "only rows with a gradient"
    if _moved(first, last, slice(USED, None)):
        which = "rows without a gradient too"
    elif _moved(second, last, slice(half, USED)):
        which = "rows that had a gradient earlier too"
    return Finding("sparse", "works", f"takes them, moves {which}")


def _moved(before: dict[str, Tensor], after: dict[str, Tensor], rows: slice) -> bool:
    return not all(torch.equal(before[name][rows], after[name][rows]) for name in before)


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
