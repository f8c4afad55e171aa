"""Steps by torch's kernels against the optimizers' own steps."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from optbench.training.fused import Stepper

STEPS = 12
WAYS: list[tuple[type[Optimizer], dict[str, Any]]] = [
    (Adam, {"lr": 1e-2}),
    (Adam, {"lr": 1e-2, "betas": (0.8, 0.99), "weight_decay": 0.1, "amsgrad": True}),
    (Adam, {"lr": 1e-2, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    (AdamW, {"lr": 1e-2, "eps": 1e-4, "maximize": True}),
    (SGD, {"lr": 1e-1}),
    (SGD, {"lr": 1e-1, "weight_decay": 0.1, "maximize": True}),
    (SGD, {"lr": 1e-1, "momentum": 0.9, "nesterov": True}),
    (SGD, {"lr": 1e-1, "momentum": 0.9, "dampening": 0.5}),
]


def make(kind: type[Optimizer], arguments: dict[str, Any]) -> tuple[nn.Module, Optimizer]:
    """A net of odd sizes in two groups, the same each time."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(7, 5), nn.Linear(5, 3))
    groups: list[Any] = [
        {"params": net[0].parameters(), "lr": 0.03},
        {"params": net[1].parameters()},
    ]
    return net, kind(groups, fused=True, **arguments)  # type: ignore[call-arg]


def differentiate(net: nn.Module, step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    for parameter in net.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


def same(one: object, other: object) -> bool:
    """Whether two states hold the same numbers in the same places."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return all(map(same, one, other))
    return one == other


def assert_alike(net: nn.Module, optimizer: Optimizer, own: nn.Module, other: Optimizer) -> None:
    assert all(map(torch.equal, net.parameters(), own.parameters()))
    assert same(optimizer.state_dict(), other.state_dict())


@pytest.mark.parametrize(("kind", "arguments"), WAYS)
def test_steps_by_kernels_leave_the_bits_of_the_optimizers_own(
    kind: type[Optimizer], arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (net, optimizer), (own, other) = make(kind, arguments), make(kind, arguments)
    stepper = Stepper(optimizer)
    calls: list[object] = []
    step = optimizer.step
    monkeypatch.setattr(optimizer, "step", lambda: calls.append(step()))
    for number in range(STEPS):
        for each in (optimizer, other):  # as a schedule would
            each.param_groups[0]["lr"] = 0.1 / (number + 1)
        differentiate(net, number)
        differentiate(own, number)
        stepper.step()
        other.step()
        assert_alike(net, optimizer, own, other)
    assert len(calls) == 1, "only the first step, which makes the state, is the optimizer's own"


@pytest.mark.parametrize("kind", [Adam, SGD])
def test_a_parameter_without_a_gradient_is_left_out_as_by_the_optimizer(
    kind: type[Optimizer],
) -> None:
    (net, optimizer), (own, other) = make(kind, {"lr": 1e-2}), make(kind, {"lr": 1e-2})
    stepper = Stepper(optimizer)
    for number in range(STEPS):
        differentiate(net, number)
        differentiate(own, number)
        if number % 3 != 1:
            net[0].bias.grad = own[0].bias.grad = None  # type: ignore[index]
        stepper.step()
        other.step()
        assert_alike(net, optimizer, own, other)


def test_momentum_may_come_and_go_with_a_schedule() -> None:
    (net, optimizer), (own, other) = make(SGD, {"lr": 0.1}), make(SGD, {"lr": 0.1})
    stepper = Stepper(optimizer)
    for number in range(STEPS):
        for each in (optimizer, other):
            for group in each.param_groups:
                group["momentum"] = 0.3 * (number // 2 % 3)
        differentiate(net, number)
        differentiate(own, number)
        stepper.step()
        other.step()
        assert_alike(net, optimizer, own, other)


def test_a_state_that_was_copied_goes_on_to_the_same_bits() -> None:
    (net, optimizer), (own, other) = make(Adam, {"lr": 0.1}), make(Adam, {"lr": 0.1})
    stepper = Stepper(optimizer)
    for number in range(STEPS):
        differentiate(net, number)
        differentiate(own, number)
        stepper.step()
        other.step()
        if number == STEPS // 2:
            other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert_alike(net, optimizer, own, other)


class Counting(Adam):
    """An optimizer of one's own that is nearly torch's."""

    steps = 0

    def step(self, closure: Any = None) -> Any:
        self.steps += 1
        return super().step(closure)


def test_an_optimizer_of_ones_own_is_always_stepped_by_its_own_code() -> None:
    net, optimizer = make(Counting, {"lr": 1e-2})
    stepper = Stepper(optimizer)
    for number in range(STEPS):
        differentiate(net, number)
        stepper.step()
    assert isinstance(optimizer, Counting)
    assert optimizer.steps == STEPS


def test_where_there_is_own_code_torchs_optimizers_are_stepped_by_theirs() -> None:
    net, optimizer = make(Adam, {"lr": 1e-2})
    calls: list[object] = []
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    stepper = Stepper(optimizer, own_code=True)
    for number in range(STEPS):
        differentiate(net, number)
        stepper.step()
    assert len(calls) == STEPS
