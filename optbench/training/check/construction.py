"""Whether an optimizer can be made, and on which kind of parameters and gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from optbench.errors import FOREIGN
from optbench.training.check.finding import Finding, Kind
from optbench.training.check.trial import Trial, said

if TYPE_CHECKING:
    from optbench.training.check.finding import Subject

FIRST_LR = 1e-3  # where there is no default
_WANTS = {
    "optimizer": "another optimizer, made before it",
    "base_optimizer": "another optimizer, made before it",
    "model": "the model rather than its parameters",
}


def constructs(subject: Subject) -> Finding:
    """Make it and take a step; settles the kind of problem for the other checks."""
    missing = [name for name in subject.candidate.missing if name != "lr"]
    for name in (subject.candidate.first, *missing):
        if name in _WANTS:
            return Finding("constructs", "fails", f"it takes {_WANTS[name]}")
    if missing:
        remedy = f"--set {missing[0]}=…"
        return Finding("constructs", "fails", f"it needs {' and '.join(missing)}: {remedy}")
    if "lr" in subject.candidate.missing:
        subject.lr = FIRST_LR
    refusals = []
    for kind in get_args(Kind):
        subject.kind = kind
        try:
            Trial(subject).step()
        except FOREIGN as error:
            refusals.append(error)
            continue
        return Finding("constructs", "works", _how(subject))
    return Finding("constructs", "fails", said(refusals[0]))


def _how(subject: Subject) -> str:
    only = {"dense": "", "matrices": "; takes only matrices", "sparse": "; takes only sparse ones"}
    given = subject.candidate.given
    needs = ", needs lr" if "lr" in subject.candidate.missing else ""
    return f"with {given or 'its defaults'}{needs}{only[subject.kind]}"
