"""What a step of an optimizer and its state cost, beside torch's Adam."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import nn

from optbench.catalog.candidate import candidate
from optbench.training.check.finding import Finding, Subject
from optbench.training.check.trial import Trial
from optbench.training.state_bytes import state_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS, WARM_UP = 15, 3
ROUND_SECONDS = 0.02  # of the candidate and of Adam, in turn
STATE_STEPS = 3


def cost(subject: Subject) -> Finding:
    """The median time of a step on an MLP 784-128-10's parameters, in turn with Adam's."""
    trial = Trial(subject)
    if subject.kind == "sparse":
        return Finding("cost", "doesn't apply", "Adam takes no sparse gradients")
    if trial.calls_back:
        return Finding("cost", "doesn't apply", "its step evaluates the loss itself")
    mine, adams = _stepper(subject), _stepper(_adam(subject))
    for step in (mine, adams):
        for _ in range(WARM_UP):
            step()
    seconds = [(_seconds(mine), _seconds(adams)) for _ in range(ROUNDS)]
    ratio = median(m for m, _ in seconds) / median(a for _, a in seconds)
    shown = f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}"
    return Finding("cost", "works", f"{shown} times the time of Adam's step (fused)", ratio)


def memory(subject: Subject) -> Finding:
    """Bytes of all tensors in its state, a parameter, on the same MLP if it takes that."""
    trial = Trial(subject)
    if trial.calls_back or subject.kind == "sparse":
        trial.steps(STATE_STEPS)
    else:
        trial = Trial(subject, make=_large(subject))
        _draw_gradients(trial)
        for _ in range(STATE_STEPS):
            trial.optimizer.step()
    size = sum(parameter.numel() for parameter in trial.model.parameters())
    each = state_bytes(trial.optimizer) / size
    shown = f"{each:.3g}" if each < 1000 else f"{each:,.0f}"
    return Finding("memory", "works", f"{shown} bytes of state a parameter (Adam: 8)", each)


def _seconds(step: Callable[[], object]) -> float:
    """The mean time of as many steps as `ROUND_SECONDS` hold, at least one."""
    began = perf_counter()
    count = 0
    while (elapsed := perf_counter() - began) < ROUND_SECONDS or not count:
        step()
        count += 1
    return elapsed / count


def _adam(subject: Subject) -> Subject:
    return Subject(candidate("adam"), subject.kind)


def _large(subject: Subject) -> Callable[[], nn.Module]:
    bias = subject.kind == "dense"
    return lambda: nn.Sequential(
        nn.Linear(784, 128, bias=bias), nn.ReLU(), nn.Linear(128, 10, bias=bias)
    )


def _stepper(subject: Subject) -> Callable[[], object]:
    """A step of it on gradients that stay the same."""
    trial = Trial(subject, make=_large(subject))
    _draw_gradients(trial)
    return trial.optimizer.step


def _draw_gradients(trial: Trial) -> None:
    generator = torch.Generator().manual_seed(0)
    for parameter in trial.model.parameters():
        parameter.grad = 1e-3 * torch.randn(parameter.shape, generator=generator)
