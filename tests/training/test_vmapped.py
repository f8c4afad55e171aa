"""Models stacked by vmap against the same models in plain loops, in float64."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, Any

import pytest
import torch
from plain_loop import one_thread
from small_nets import Attention, Tied
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD, Adam, AdamW

from optbench.training.vmapped import Vmapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch.optim import Optimizer

    Batch = tuple[Tensor, Tensor]

STEPS, CLASSES = 20, 3


@pytest.fixture(autouse=True)
def single_thread() -> Iterator[None]:
    with one_thread():
        yield


LRS = (0.02, 0.05, 0.01)  # of three runs


def attention() -> nn.Module:
    head = nn.LayerNorm(6), nn.Flatten(), nn.Linear(30, CLASSES)
    return nn.Sequential(nn.Linear(4, 6), Attention(6, heads=2), *head)


ARCHITECTURES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp": (lambda: nn.Sequential(nn.Linear(4, 5), nn.GELU(), nn.Linear(5, CLASSES)), (4,)),
    "norm of inputs": (lambda: nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, CLASSES)), (4,)),
    "layer norm": (
        lambda: nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), nn.ReLU(), nn.Linear(5, CLASSES)),
        (4,),
    ),
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(12, 5), nn.BatchNorm1d(5), nn.Linear(5, CLASSES),
        ),
        (1, 6, 6),
    ),
    "attention": (attention, (5, 4)),
    "tied": (lambda: Tied(CLASSES), (4,)),
}  # fmt: skip

EPS = 1e-4  # with Adam's own, gradients of nothing but rounding errors would make large steps


def sgd(parameters: list[nn.Parameter], lr: float) -> Optimizer:
    return SGD(parameters, lr, momentum=0.9, weight_decay=0.1)


def adam(parameters: list[nn.Parameter], lr: float) -> Optimizer:
    return Adam(parameters, lr, eps=EPS)


def adamw_in_groups(parameters: list[nn.Parameter], lr: float) -> Optimizer:
    groups: list[dict[str, Any]] = [
        {"params": parameters[::2], "weight_decay": 0.3},
        {"params": parameters[1::2]},
    ]
    return AdamW(groups, lr, eps=EPS)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        yield


def made(name: str) -> tuple[list[nn.Module], list[nn.Module]]:
    """Three models, and the same once more."""
    models = [ARCHITECTURES[name][0]().double() for _ in LRS]
    return models, copy.deepcopy(models)


def batches(name: str, size: int = 6) -> Iterator[list[Batch]]:
    """One a run; in every second step they share it. The last of a few is short."""
    for step in itertools.count():
        examples = size if step % 5 < 4 else 2
        drawn = [batch(ARCHITECTURES[name][1], examples) for _ in LRS]
        yield drawn[:1] * len(LRS) if step % 2 else drawn


def batch(shape: Sequence[int], examples: int) -> Batch:
    return torch.randn(examples, *shape).double(), torch.randint(CLASSES, (examples,))


def optimized(
    models: list[nn.Module], make: Callable[[list[nn.Parameter], float], Optimizer] = adam
) -> list[Optimizer]:
    return [make(list(model.parameters()), lr) for model, lr in zip(models, LRS, strict=False)]


def plain_step(
    model: nn.Module, optimizer: Optimizer, batch: Batch, clip: float | None = None
) -> Tensor:
    model.train()
    loss = functional.cross_entropy(model(batch[0]), batch[1])
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    if clip is not None:
        clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return loss.detach()


def assert_alike(found: Sequence[nn.Module], expected: Sequence[nn.Module]) -> None:
    """All parameters and buffers."""
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.state_dict(), other.state_dict(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("clip", [None, 0.1])
@pytest.mark.parametrize("make", [sgd, adam, adamw_in_groups])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_stacked_runs_train_as_each_would_alone(
    name: str, make: Callable[[list[nn.Parameter], float], Optimizer], clip: float | None
) -> None:
    models, plain = made(name)
    steppers, plain_steppers = optimized(models, make), optimized(plain, make)
    stacked = Vmapped(models, functional.cross_entropy)
    for drawn in itertools.islice(batches(name), STEPS):
        losses, _ = stacked.differentiate(drawn)
        for model, stepper in zip(models, steppers, strict=True):
            if clip is not None:
                clip_grad_norm_(model.parameters(), clip)
            stepper.step()
        steps = zip(plain, plain_steppers, drawn, strict=True)
        expected = torch.stack([plain_step(*step, clip) for step in steps])
        torch.testing.assert_close(losses, expected, rtol=0, atol=1e-10)
    assert_alike(models, plain)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_outputs_are_those_of_the_models_in_eval_mode(name: str) -> None:
    models, plain = made(name)
    stacked = Vmapped(models, functional.cross_entropy)
    stacked.differentiate(next(batches(name)))  # which moves running statistics
    for model, other in zip(models, plain, strict=True):
        other.load_state_dict(model.state_dict())
    inputs, _ = batch(ARCHITECTURES[name][1], 7)
    found = stacked.outputs(inputs)
    assert not any(run.requires_grad for run in found)
    expected = [model.eval()(inputs).detach() for model in plain]
    torch.testing.assert_close(list(found), expected, rtol=0, atol=1e-12)
    assert_alike(models, plain)  # evaluating left no trace in them
    assert all(model.training for model in models)


def test_what_differentiate_gives_are_the_losses_and_outputs_of_training() -> None:
    models, plain = made("convolutions")
    drawn = next(batches("convolutions"))
    losses, outputs = Vmapped(models, functional.cross_entropy).differentiate(drawn)
    expected = [model(inputs).detach() for model, (inputs, _) in zip(plain, drawn, strict=True)]
    torch.testing.assert_close(outputs, torch.stack(expected), rtol=0, atol=1e-12)
    assert (losses.shape, outputs.shape) == ((3,), (3, 6, CLASSES))
    assert not losses.requires_grad
    assert not outputs.requires_grad


def test_a_parameter_that_the_loss_does_not_use_has_no_gradient() -> None:
    models, _ = made("tied")
    Vmapped(models, functional.cross_entropy).differentiate(next(batches("tied")))
    without = {n for m in models for n, p in m.named_parameters() if p.grad is None}
    assert without == {"idle.weight", "idle.bias", "frozen.weight", "frozen.bias"}


def test_gradients_do_not_add_up() -> None:
    models, _ = made("mlp")
    stacked = Vmapped(models, functional.cross_entropy)
    drawn = next(batches("mlp"))
    for _ in range(2):
        stacked.differentiate(drawn)
    loss = functional.cross_entropy(models[1](drawn[1][0]), drawn[1][1])
    expected = torch.autograd.grad(loss, list(models[1].parameters()))
    found = [parameter.grad for parameter in models[1].parameters()]
    torch.testing.assert_close(found, list(expected), rtol=0, atol=1e-12)


def test_a_run_without_numbers_leaves_its_neighbours_alone() -> None:
    models, plain = made("convolutions")
    with torch.no_grad():
        next(models[1].parameters()).fill_(torch.nan)
    steppers, plain_steppers = optimized(models), optimized(plain)
    stacked = Vmapped(models, functional.cross_entropy)
    for drawn in itertools.islice(batches("convolutions"), 3):
        losses, _ = stacked.differentiate(drawn)
        assert losses.isnan().tolist() == [False, True, False]
        for run, stepper in enumerate(steppers):
            stepper.step()
            plain_step(plain[run], plain_steppers[run], drawn[run])
    assert_alike(models[::2], plain[::2])


def test_the_others_go_on_without_a_run_that_is_dropped() -> None:
    models, plain = made("convolutions")
    steppers, plain_steppers = optimized(models), optimized(plain)
    stacked = Vmapped(models, functional.cross_entropy)
    source = batches("convolutions")
    first = list(itertools.islice(source, 5))
    for drawn in first:
        stacked.differentiate(drawn)
        for stepper in steppers:
            stepper.step()
    left = [0, 2]
    stacked = Vmapped([models[run] for run in left], functional.cross_entropy)
    with torch.no_grad():
        for tensor in [*models[1].parameters(), *models[1].buffers()]:
            tensor.zero_()  # what was dropped shares nothing with them
    second = list(itertools.islice(source, 5))
    for drawn in second:
        stacked.differentiate([drawn[run] for run in left])
        for run in left:
            steppers[run].step()
    for drawn in first + second:
        for run in left:
            plain_step(plain[run], plain_steppers[run], drawn[run])
    assert_alike([models[run] for run in left], [plain[run] for run in left])
    storages = [{p.untyped_storage().data_ptr() for p in model.parameters()} for model in models]
    assert storages[0] == storages[2]
    assert not storages[0] & storages[1]


def test_an_optimizer_that_gives_parameters_new_memory_is_followed() -> None:
    class Rebinding(SGD):
        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            for parameter in self.param_groups[0]["params"]:
                parameter.data = parameter.data - 0.1 * parameter.grad

    models, plain = made("mlp")
    steppers = [Rebinding(model.parameters()) for model in models]
    plain_steppers = [SGD(model.parameters(), 0.1) for model in plain]
    stacked = Vmapped(models, functional.cross_entropy)
    for drawn in itertools.islice(batches("mlp"), 3):
        stacked.differentiate(drawn)
        for run, stepper in enumerate(steppers):
            stepper.step()
            plain_step(plain[run], plain_steppers[run], drawn[run])
    inputs, _ = batch((4,), 7)
    expected = [model(inputs).detach() for model in plain]
    torch.testing.assert_close(list(stacked.outputs(inputs)), expected, rtol=0, atol=1e-12)


def test_one_run_is_a_stack_of_one() -> None:
    models, plain = made("convolutions")
    (stepper, *_), (plain_stepper, *_) = optimized(models), optimized(plain)
    stacked = Vmapped(models[:1], functional.cross_entropy)
    for drawn in itertools.islice(batches("convolutions"), 3):
        stacked.differentiate(drawn[:1])
        stepper.step()
        plain_step(plain[0], plain_stepper, drawn[0])
    assert_alike(models[:1], plain[:1])
