"""Whether an optimizer reduces a loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optbench.config.spec import short_value
from optbench.errors import FOREIGN
from optbench.training.check.finding import Finding
from optbench.training.check.trial import Trial, has_lr, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.training.check.finding import Subject

STEPS = 500
GRID = (1e-3, 1e-2, 1e-1, 1.0, 1e-4)


def learns(subject: Subject) -> Finding:
    """Halve the loss within `STEPS`, at its default learning rate or else at one of `GRID`.

    Settles the learning rate for the other checks.
    """
    tried: list[str] = []
    for lr in _rates(subject):
        trial = Trial(subject, lr=lr)
        at = _named(trial, is_default=lr is None and subject.candidate.takes_lr)
        before = trial.loss()
        try:
            steps, after = _halve(trial, before)
        except FOREIGN as error:
            tried.append(f"{at} ({said(error)})".strip())
            continue
        if steps is not None:
            subject.lr = lr
            unit = "step" if steps == 1 else "steps"
            not_before = f"; not {', '.join(tried)}" if tried else ""
            reason = f"halves the loss in {steps} {unit} {at}".strip()
            return Finding("learns", "works", f"{reason}{not_before}", steps)
        tried.append(f"{at} ({before:.3g} to {after:.3g})".strip())
    reason = f"does not halve the loss in {STEPS} steps {', '.join(tried)}"
    return Finding("learns", "fails", reason)


def _rates(subject: Subject) -> Iterator[float | None]:
    """None, where there is one, for the default or what was given."""
    default = None
    if subject.lr is None:
        yield None
        groups = Trial(subject).optimizer.param_groups
        default = groups[0].get("lr")
    if subject.candidate.takes_lr:
        yield from (lr for lr in GRID if lr != default)


def _halve(trial: Trial, before: float) -> tuple[int | None, float]:
    """The step after which the loss was half of what it was, and the last loss."""
    after = before
    for step in range(1, STEPS + 1):
        trial.step()
        after = trial.loss()
        if after <= before / 2:
            return step, after
        if not math.isfinite(after):
            break
    return None, after


def _named(trial: Trial, *, is_default: bool) -> str:
    """`at its default lr=0.001`; empty without a learning rate."""
    if not has_lr(trial):
        return ""
    lr = short_value(float(trial.optimizer.param_groups[0]["lr"]))
    return f"at its default lr={lr}" if is_default else f"at lr={lr}"
