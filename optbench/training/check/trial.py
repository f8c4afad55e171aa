"""A small problem, and one optimizer on it: what the checks are made of."""

from __future__ import annotations

import inspect
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from optbench.errors import UsageError, spoken
from optbench.training.build import build_optimizer
from optbench.training.modes import evaluating, has_modes
from optbench.training.noise import python_state_of, python_tensors
from optbench.training.seeding import (
    derive,
    python_state,
    seeded_python_state,
    set_python_state,
)
from optbench.training.stacking import calls_back
from optbench.training.state_types import load_exactly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from optbench.training.check.finding import Kind, Subject

EXAMPLES, CLASSES, MISTAKEN = 256, 4, 24
WORDS, USED, LENGTH = 64, 48, 6  # of the sparse problem; some words are in no example
LONGEST = 110  # characters of what somebody else's code says


class Sum(nn.ModuleList):
    """The sum of what several modules make of the same inputs."""

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.stack([module(inputs) for module in self]).sum(0)


def make_model(kind: Kind) -> nn.Module:
    """The problem's model, its parameters drawn from the global generator."""
    match kind:
        case "dense" | "matrices":
            bias = kind == "dense"
            return nn.Sequential(
                nn.Linear(8, 8, bias=bias), nn.Tanh(), nn.Linear(8, CLASSES, bias=bias)
            )
        case "sparse":
            return Sum(nn.EmbeddingBag(WORDS, CLASSES, mode="sum", sparse=True) for _ in range(2))


def make_batch(kind: Kind) -> tuple[Tensor, Tensor]:
    """All examples of the problem with the classes that a random linear model gives them.

    A few have a random class, so that the loss has no minimum at infinity.
    """
    generator = torch.Generator().manual_seed(derive(0, "check data"))
    if kind == "sparse":
        inputs = torch.randint(USED, (EXAMPLES, LENGTH), generator=generator)
        scores = torch.randn(WORDS, CLASSES, generator=generator)[inputs].sum(1)
    else:
        inputs = torch.randn(EXAMPLES, 8, generator=generator)
        scores = inputs @ torch.randn(8, CLASSES, generator=generator)
    targets = scores.argmax(1)
    targets[:MISTAKEN] = torch.randint(CLASSES, (MISTAKEN,), generator=generator)
    return inputs, targets


class Trial:
    """An optimizer on its own copy of the problem: the same from the same `seed`.

    `groups` are a setting's; `make` makes another model than the kind's. Whatever is drawn comes
    from the trial's own `generator`, a state of torch's.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        lr: float | None = None,
        seed: int = 0,
        groups: Sequence[dict[str, Any]] = (),
        make: Callable[[], nn.Module] | None = None,
    ) -> None:
        self.generator = torch.Generator().manual_seed(derive(seed, "check")).get_state()
        self.python = seeded_python_state(seed, "check")
        self.batch = make_batch(subject.kind)
        self.poisoned = False
        self.evaluations = 0
        with self._drawing():
            self.model = (make or (lambda: make_model(subject.kind)))().train()
            setting = subject.candidate.at(subject.lr if lr is None else lr)
            if groups:
                optimizer = {**setting.optimizer, "groups": list(groups)}
                setting = replace(setting, optimizer=optimizer)
            self.optimizer = build_optimizer(setting, self.model)
            self.has_modes = has_modes(self.optimizer)
            if self.has_modes:
                self.optimizer.train()  # type: ignore[attr-defined]
        self.calls_back = calls_back(self.optimizer)

    @property
    def parameters(self) -> dict[str, nn.Parameter]:
        return dict(self.model.named_parameters())

    def step(self, *, by_closure: bool = False) -> object:
        """One step, its gradients computed before it or, if need be, by a closure."""
        with self._drawing():
            if self.calls_back or by_closure:
                return self.optimizer.step(cast("Callable[[], float]", self._differentiate))
            self._differentiate()
            return self.optimizer.step()

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.step()

    @torch.no_grad()
    def loss(self) -> float:
        inputs, targets = self.batch
        return float(cross_entropy(self.model(inputs), targets))

    def evaluating(self) -> AbstractContextManager[None]:
        """Inside, the model has the weights that a run would evaluate."""
        parameters = list(self.model.parameters())
        return evaluating(self.optimizer, parameters) if self.has_modes else nullcontext()

    def bits(self) -> tuple[bytes, ...]:
        """The parameters to the byte."""
        return tuple(p.detach().numpy().tobytes() for p in self.model.parameters())

    def values(self) -> dict[str, Tensor]:
        """The parameters as they are now."""
        return {name: p.detach().clone() for name, p in self.model.named_parameters()}

    def state(self) -> dict[str, Any]:
        """What a checkpoint would hold."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator,
            "python": python_tensors(self.python),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        load_exactly(self.optimizer, state["optimizer"])
        self.generator = state["generator"]
        self.python = python_state_of(state["python"])

    def _differentiate(self) -> Tensor:
        for parameter in self.model.parameters():
            parameter.grad = None
        inputs, targets = self.batch
        loss = cross_entropy(self.model(inputs), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        self.evaluations += 1
        if self.poisoned:
            _poison(next(self.model.parameters()))
        return loss.detach()

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        before, python_before = torch.get_rng_state(), python_state()
        torch.set_rng_state(self.generator)
        set_python_state(self.python)
        try:
            yield
        finally:
            self.generator, self.python = torch.get_rng_state(), python_state()
            torch.set_rng_state(before)
            set_python_state(python_before)


def _poison(parameter: nn.Parameter) -> None:
    """Make one number of its gradient NaN."""
    gradient = parameter.grad
    if gradient is None:
        return
    if gradient.is_sparse:
        gradient = parameter.grad = gradient.coalesce()
        gradient = gradient.values()
    gradient.view(-1)[0] = float("nan")


def said(error: BaseException) -> str:
    """What somebody else's code raised, in a line: `ValueError: lr must be positive`."""
    cause = error.__cause__
    if isinstance(error, UsageError) and cause and not isinstance(cause, UsageError):
        error = cause
    text = str(error) if isinstance(error, UsageError) else spoken(error)
    line = text.strip().partition("\n")[0].rstrip(":. ")
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def has_lr(trial: Trial) -> bool:
    return all("lr" in group for group in trial.optimizer.param_groups)


def closure_parameter(trial: Trial) -> inspect.Parameter | None:
    """The parameter of `step` that takes a closure."""
    return inspect.signature(type(trial.optimizer).step).parameters.get("closure")
