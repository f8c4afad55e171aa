"""Whether an optimizer heeds its groups, their learning rates, and what is not to be trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from optbench.errors import FOREIGN
from optbench.training.check.finding import Finding
from optbench.training.check.trial import Trial, has_lr, make_model, said

if TYPE_CHECKING:
    from optbench.training.check.finding import Subject

STEPS = 12  # RAdam does nothing in its first five
_NO_LR = "its groups have no lr"


def groups(subject: Subject) -> Finding:
    """The first layer in a group at lr 0 must stay, the rest move."""
    try:
        trial = Trial(subject, groups=[{"match": "0.*"}])
    except FOREIGN as error:
        return Finding("groups", "fails", f"refuses them: {said(error)}")
    if not has_lr(trial):
        return Finding("groups", "doesn't apply", _NO_LR)
    trial.optimizer.param_groups[1]["lr"] = 0.0
    try:
        moved = _moved(trial)
    except FOREIGN as error:
        return Finding("groups", "fails", f"raises at lr 0: {said(error)}")
    if any(name.startswith("0.") for name in moved):
        return Finding("groups", "fails", "moves a group whose lr is 0")
    if not moved:
        return Finding("groups", "fails", "a group whose lr is 0 stops the others too")
    return Finding("groups", "works", "each group has its own lr")


def schedules(subject: Subject) -> Finding:
    """A tenth of the learning rate from one step to the next must change what that does."""
    kept, changed = Trial(subject), Trial(subject)
    if not has_lr(kept):
        return Finding("schedules", "doesn't apply", _NO_LR)
    for trial in (kept, changed):
        trial.steps(STEPS)
    for group in changed.optimizer.param_groups:
        group["lr"] *= 0.1
    for trial in (kept, changed):
        trial.steps(STEPS)
    if kept.bits() == changed.bits():
        return Finding("schedules", "fails", "a changed lr changes nothing")
    return Finding("schedules", "works", "a changed lr changes the next steps")


def frozen(subject: Subject) -> Finding:
    """A parameter that the loss doesn't depend on, and one frozen later, must stay."""

    def make() -> nn.Module:
        model = make_model(subject.kind)
        if subject.kind != "sparse":  # it would be a dense one
            model.register_parameter("unused", nn.Parameter(torch.ones(4, 4)))
        return model

    trial = Trial(subject, make=make)
    next(trial.model.parameters()).requires_grad = False
    still = {"unused", next(iter(trial.parameters))}
    try:
        moved = _moved(trial)
    except FOREIGN as error:
        return Finding("frozen", "fails", f"raises at a parameter without gradient: {said(error)}")
    if moved & still:
        return Finding("frozen", "fails", "moves parameters that have no gradient")
    if not moved:
        return Finding("frozen", "fails", "a parameter without gradient stops the others too")
    return Finding("frozen", "works", "leaves parameters without gradient alone")


def modes(subject: Subject) -> Finding:
    """Schedule-free methods train one point and mean another, which `eval()` puts in its place."""
    trial = Trial(subject)
    if not trial.has_modes:
        return Finding("modes", "doesn't apply", "has no train() and eval()")
    try:
        trial.steps(STEPS)
        with trial.evaluating():
            trial.loss()
        trial.step()
    except FOREIGN as error:
        return Finding("modes", "fails", f"can't go on after eval() and train(): {said(error)}")
    return Finding("modes", "works", "is evaluated after eval(), and goes on after train()")


def _moved(trial: Trial) -> set[str]:
    """The parameters that some steps change."""
    before: dict[str, Tensor] = trial.values()
    trial.steps(STEPS)
    return {name for name, value in trial.values().items() if not torch.equal(value, before[name])}
