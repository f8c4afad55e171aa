"""Cohorts against torch alone: stock optimizers in a stock loop, one run after the other."""

from __future__ import annotations

import importlib
import inspect
import itertools
from typing import TYPE_CHECKING, Any

import pytest
import torch
from double_precision import double_precision, make_double
from experiments import make_learner, make_runs, train_all, write_plugin
from plain_loop import documented_seed, mlp, one_thread
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from optbench.catalog.optimizers import optimizers
from optbench.training.products import WORTH_ONEDNN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch.optim import Optimizer

    from optbench.config.spec import Run
    from optbench.training.data import DeviceData
    from optbench.training.learner import Learner

USABLE = [name for name in optimizers() if name != "sparseadam"]  # whose gradients are sparse
ARGUMENTS: dict[str, dict[str, Any]] = {"lbfgs": {"max_iter": 3}}  # its 20 take longer than all
STEPS = 100
SMALL, LARGE, HIDDEN, CLASSES = 20, 784, 32, 10
BATCH = 64
# 1,476 examples are 23 batches of 64 and one of 4: 120 steps in 5 epochs. Blobs that lie on top of
# each other keep the losses, and with them the gradients, from vanishing.
DATA = {"name": "synthetic", "train": 1476, "test": 5, "classes": CLASSES, "separation": 1}
PARTS: dict[str, Any] = {
    "dataset": DATA | {"features": SMALL},
    "model": {"name": "mlp", "hidden": [HIDDEN]},
    "training": {"epochs": 5, "batch_size": BATCH, "evaluate_every": {"steps": 1}},
}


def stock(name: str, model: nn.Module) -> Optimizer:
    """The class behind a name of the catalog as `make_each` has it, in its plainest form."""
    entry = optimizers()[name]
    module, _, class_name = entry.target.partition(":")
    factory = getattr(importlib.import_module(module), class_name)
    known = inspect.signature(factory).parameters
    plainest = {key: False for key in ("foreach", "fused") if key in known}
    arguments = {**entry.preset, **plainest, **ARGUMENTS.get(name, {})}
    made: Optimizer = factory(model.parameters(), lr=0.01, **arguments)
    return made


def batches(data: DeviceData, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The documented order, for ever."""
    for epoch in itertools.count():
        generator = torch.Generator().manual_seed(documented_seed("batches", seed, epoch))
        for chosen in torch.split(torch.randperm(len(data.train), generator=generator), BATCH):
            yield data.train.inputs[chosen], data.train.targets[chosen]


def plain_losses(
    model: nn.Module,
    optimizer: Optimizer,
    data: DeviceData,
    seed: int = 0,
    *,
    clip_norm: float | None = None,
) -> Tensor:
    """Losses of the first 100 steps, as a tutorial computes them."""
    losses: list[float] = []
    with one_thread():
        for inputs, targets in itertools.islice(batches(data, seed), STEPS):

            def closure(inputs: Tensor = inputs, targets: Tensor = targets) -> Tensor:
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(inputs), targets)
                loss.backward()  # type: ignore[no-untyped-call]
                if clip_norm is not None:
                    clip_grad_norm_(model.parameters(), clip_norm)
                return loss

            if isinstance(optimizer, torch.optim.LBFGS):
                first: Tensor = optimizer.step(closure)  # type: ignore[no-untyped-call]
                losses.append(first.item())
            else:
                losses.append(closure().item())
                optimizer.step()
    return torch.tensor(losses, dtype=torch.float64)


def cohort_losses(learners: Sequence[Learner]) -> Tensor:
    """Losses of the first 100 steps of each, trained together; a row a step."""
    train_all(*learners)
    assert not any(learner.over for learner in learners)
    rows = [learner.rows[1 : STEPS + 1] for learner in learners]
    return torch.tensor([[row["train_loss"] for row in run] for run in rows], dtype=torch.float64)


def make_each(folder: Path, names: Sequence[str], **parts: Any) -> tuple[Run, ...]:
    items = [{"name": name, "lr": 0.01, **ARGUMENTS.get(name, {})} for name in names]
    return make_runs(folder, optimizer=items, **PARTS | parts)


@pytest.mark.parametrize(
    ("names", "clip_norm"),
    [(USABLE, None), (["adam", "momentum", "rprop", "reference.sgd"], 0.3)],
    ids=["all", "clipped"],
)
def test_in_float64_losses_agree_to_1e_9(
    tmp_path: Path, names: list[str], clip_norm: float | None
) -> None:
    clipping = {} if clip_norm is None else {"clip_norm": clip_norm}
    runs = make_each(tmp_path, names, training=PARTS["training"] | clipping)
    learners = [make_double(run) for run in runs]
    alone = {name for name, run in zip(names, learners, strict=True) if not run.way.stacked}
    assert alone <= {"lbfgs"}
    found = cohort_losses(learners)
    for name, learner, losses in zip(names, learners, found, strict=True):
        with double_precision():
            model = mlp(SMALL, HIDDEN, CLASSES)
        optimizer = stock(name, model)
        expected = plain_losses(model, optimizer, learner.data, clip_norm=clip_norm)
        assert (losses - expected).abs().max() < 1e-9, name


def nudged(model: nn.Module, generator: torch.Generator) -> None:
    """Every weight moves by its smallest step, up or down."""
    with torch.no_grad():
        for parameter in model.parameters():
            signs = torch.rand(parameter.shape, generator=generator) - 0.5
            parameter.copy_(torch.nextafter(parameter, signs.sign() * torch.inf))


def sensitivity(name: str, data: DeviceData, losses: Tensor) -> Tensor:
    """How far the losses go apart from one rounding error in each initial weight, at most so far.

    The largest of three tries, since one may cancel by chance.
    """
    generator = torch.Generator().manual_seed(0)
    distances = []
    for _ in range(3):
        model = mlp(LARGE, HIDDEN, CLASSES)
        nudged(model, generator)
        again = plain_losses(model, stock(name, model), data)
        distances.append((again - losses).abs())
    return torch.stack(distances).amax(0).cummax(0).values


def test_in_float32_losses_agree_as_far_as_rounding_lets_them(tmp_path: Path) -> None:
    """Products by oneDNN and fused optimizers round otherwise, at every one of 100 steps.

    Independent errors of 100 steps add up to √100 = 10 times that of one, which the nudge
    measures; a loss itself is only known to a few units of its last place.
    """
    assert BATCH * LARGE * HIDDEN >= WORTH_ONEDNN
    dataset = DATA | {"features": LARGE}
    learners = [make_learner(run) for run in make_each(tmp_path, USABLE, dataset=dataset)]
    found = cohort_losses(learners)
    for name, learner, losses in zip(USABLE, learners, found, strict=True):
        model = mlp(LARGE, HIDDEN, CLASSES)
        expected = plain_losses(model, stock(name, model), learner.data)
        last_place = torch.finfo(torch.float32).eps * expected
        allowed = 10 * sensitivity(name, learner.data, expected) + 4 * last_place
        assert ((losses - expected).abs() <= allowed).all(), name


ASKS_AUTOGRAD = """
import torch

class Halves(torch.optim.SGD):
    "By a hook, which autograd calls as each gradient is found."
    def __init__(self, params, lr=0.01):
        super().__init__(params, lr)
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.register_hook(lambda gradient: gradient / 2)

class StepsAtOnce(torch.optim.SGD):
    "Each parameter as soon as its gradient is there, as torch's tutorial has it."
    def __init__(self, params, lr=0.01):
        super().__init__(params, lr)
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.register_post_accumulate_grad_hook(self.take)

    def take(self, parameter):
        with torch.no_grad():
            parameter.add_(parameter.grad, alpha=-self.param_groups[0]["lr"] / 2)

    def step(self, closure=None):
        return None
"""


@pytest.mark.parametrize("name", ["Halves", "StepsAtOnce"])
def test_an_optimizer_with_hooks_in_autograd_is_called(tmp_path: Path, name: str) -> None:
    write_plugin(tmp_path, ASKS_AUTOGRAD)
    items = [{"name": f"./plugin.py:{name}", "lr": 0.2}, {"name": "sgd", "lr": 0.1}]
    learners = [make_double(run) for run in make_runs(tmp_path, optimizer=items, **PARTS)]
    hooked, half = cohort_losses(learners)
    assert (hooked - half).abs().max() < 1e-9


LBFGS = """
import torch

class Mine(torch.optim.LBFGS):
    pass
"""


@pytest.mark.parametrize("arguments", [{}, {"line_search_fn": "strong_wolfe"}])
def test_an_optimizer_that_evaluates_the_loss_itself(
    tmp_path: Path, arguments: dict[str, Any]
) -> None:
    write_plugin(tmp_path, LBFGS)
    arguments = {"lr": 0.1, "max_iter": 3, **arguments}
    items = [{"name": "adam", "lr": 0.01}, {"name": "./plugin.py:Mine", **arguments}]
    runs = make_runs(tmp_path, optimizer=items, seeds=2, **PARTS)
    learners = [make_learner(run) for run in runs]
    assert [learner.way.reason for learner in learners[1::2]] == 2 * [
        "Mine evaluates the loss itself"
    ]
    found = cohort_losses(learners)
    for seed, losses in enumerate(found[1::2]):
        model = mlp(SMALL, HIDDEN, CLASSES, seed=seed)
        optimizer = torch.optim.LBFGS(model.parameters(), **arguments)
        expected = plain_losses(model, optimizer, learners[0].data, seed)
        torch.testing.assert_close(losses, expected, rtol=1e-15, atol=0)
