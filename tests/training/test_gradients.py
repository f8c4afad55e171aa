"""Gradients by hand against autograd's, to the bit."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
import torch
from plain_loop import one_thread
from torch import nn
from torch.nn import functional

from optbench.catalog.models.logistic import Logistic
from optbench.catalog.models.mlp import ACTIVATIONS, MLP
from optbench.training import gradients as module
from optbench.training.gradients import gradients

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPES = list(itertools.product((1, 2, 31, 64), (1, 5, 784), ((), (1,), (128,), (33, 7)), (1, 10)))


@pytest.fixture(autouse=True)
def single_thread() -> Iterator[None]:
    with one_thread():
        yield


def batch(examples: int, features: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(examples)
    inputs = torch.randn((examples, features), generator=generator)
    return inputs, torch.randint(classes, (examples,), generator=generator)


def assert_as_autograd(model: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> None:
    outputs = model(inputs)
    loss = functional.cross_entropy(outputs, targets)
    expected = torch.autograd.grad(loss, list(model.parameters()))
    found_loss, found_outputs = gradients(model, functional.cross_entropy)(inputs, targets)
    assert torch.equal(found_loss, loss)
    assert torch.equal(found_outputs, outputs)
    assert not found_outputs.requires_grad
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        assert parameter.grad is not None
        assert torch.equal(parameter.grad, gradient)
        assert parameter.grad.stride() == gradient.stride()  # fused optimizers walk the memory


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize(("examples", "features", "hidden", "classes"), SHAPES)
def test_the_same_bits_as_autograd(
    examples: int, features: int, hidden: tuple[int, ...], classes: int, activation: str
) -> None:
    model = MLP([features], classes, hidden, activation)  # type: ignore[arg-type]
    assert_as_autograd(model, *batch(examples, features, classes))


def test_logistic_regression_of_images() -> None:
    inputs, targets = batch(64, 784, 10)
    assert_as_autograd(Logistic([1, 28, 28], 10), inputs.reshape(64, 1, 28, 28), targets)


def test_a_loss_that_is_no_number_is_handed_on() -> None:
    model = MLP([3], 2, [4])
    inputs, targets = batch(5, 3, 2)
    loss, _ = gradients(model, functional.cross_entropy)(inputs * torch.inf, targets)
    assert loss.isnan()


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid"])
def test_the_tutorials_networks_go_by_hand(name: str) -> None:
    model = MLP([3], 2, [4], name)  # type: ignore[arg-type]
    assert isinstance(gradients(model, functional.cross_entropy), module._ByHand)


def test_dropout_goes_by_autograd() -> None:
    torch.manual_seed(0)
    model = MLP([3], 2, [4], dropout=0.5).train()
    inputs, targets = batch(8, 3, 2)
    state = torch.get_rng_state()
    expected = torch.autograd.grad(
        functional.cross_entropy(model(inputs), targets), list(model.parameters())
    )
    torch.set_rng_state(state)
    gradients(model, functional.cross_entropy)(inputs, targets)
    found = [p.grad for p in model.parameters()]
    assert all(torch.equal(f, e) for f, e in zip(found, expected, strict=True) if f is not None)


def test_another_loss_goes_by_autograd() -> None:
    model = MLP([3], 2, [4])
    inputs, targets = batch(8, 3, 2)
    loss, _ = gradients(model, functional.multi_margin_loss)(inputs, targets)
    assert torch.equal(loss, functional.multi_margin_loss(model(inputs), targets).detach())


def test_a_class_of_ones_own_goes_by_autograd() -> None:
    class Doubled(MLP):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            outputs: torch.Tensor = super().forward(inputs)  # type: ignore[no-untyped-call]
            return 2 * outputs

    assert_as_autograd(Doubled([3], 2, [4]), *batch(8, 3, 2))
