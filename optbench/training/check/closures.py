"""How an optimizer deals with a closure that evaluates the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from optbench.errors import FOREIGN
from optbench.training.check.finding import Finding
from optbench.training.check.trial import Trial, closure_parameter, said

if TYPE_CHECKING:
    from optbench.training.check.finding import Subject


def closure(subject: Subject) -> Finding:
    """`step(closure)` must evaluate the loss and return what it was before the step."""
    trial = Trial(subject)
    if closure_parameter(trial) is None:
        return Finding("closure", "doesn't apply", "step takes none")
    expected = trial.loss()
    try:
        returned = trial.step(by_closure=True)
    except FOREIGN as error:
        return Finding("closure", "fails", f"step(closure) raises {said(error)}")
    if not trial.evaluations:
        return Finding("closure", "fails", "step(closure) never evaluates the loss")
    if returned is None:
        return Finding("closure", "fails", "step(closure) does not return the loss")
    try:
        found = float(cast("float", returned))
    except (TypeError, ValueError):
        kind = type(returned).__name__
        return Finding("closure", "fails", f"step(closure) returns a {kind}, not the loss")
    if abs(found - expected) > 1e-5 * abs(expected):
        reason = "step(closure) returns something else than the loss before the step"
        return Finding("closure", "fails", reason)
    need = "required" if trial.calls_back else "optional"
    times = "once" if trial.evaluations == 1 else f"{trial.evaluations} times in the first step"
    return Finding("closure", "works", f"{need}; evaluates the loss {times} and returns it")
