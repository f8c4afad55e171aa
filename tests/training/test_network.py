"""Networks by hand against autograd: to the bit where the products are its own."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING

import pytest
import torch
from plain_loop import one_thread
from torch import nn
from torch.nn import functional

from optbench.catalog.models.logistic import Logistic
from optbench.catalog.models.mlp import ACTIVATIONS, MLP
from optbench.training.network import ByAutograd, ByHand, network
from optbench.training.products import WORTH_ONEDNN

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = itertools.product((1, 2, 31, 64), (1, 5, 784), ((), (1,), (128,), (33, 7)), (1, 10))
SMALL = [s for s in SIZES if s[0] * s[1] * max(s[2], default=s[3]) < WORTH_ONEDNN]
LARGE = [(64, 784, (128,), 10), (33, 784, (256, 130), 3), (1000, 784, (), 10), (31, 784, (65,), 1)]


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
    by_hand = network(model, functional.cross_entropy)
    found_loss, found_outputs = by_hand.differentiate(inputs, targets)
    assert torch.equal(found_loss, loss)
    assert torch.equal(by_hand.outputs(inputs), outputs)
    assert torch.equal(found_outputs, outputs)
    assert not found_outputs.requires_grad
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        assert parameter.grad is not None
        assert torch.equal(parameter.grad, gradient)
        assert parameter.grad.stride() == gradient.stride()  # fused optimizers walk the memory


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize(("examples", "features", "hidden", "classes"), SMALL)
def test_the_same_bits_as_autograd(
    examples: int, features: int, hidden: tuple[int, ...], classes: int, activation: str
) -> None:
    model = MLP([features], classes, hidden, activation)  # type: ignore[arg-type]
    assert_as_autograd(model, *batch(examples, features, classes))


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize(("examples", "features", "hidden", "classes"), LARGE)
def test_large_products_are_as_exact_as_autograds(
    examples: int, features: int, hidden: tuple[int, ...], classes: int, activation: str
) -> None:
    """Both round, each in its own order: compared is how far they are from float64."""
    torch.manual_seed(0)
    model = MLP([features], classes, hidden, activation)  # type: ignore[arg-type]
    inputs, targets = batch(examples, features, classes)
    exact = copy.deepcopy(model).double()
    ByAutograd(exact, functional.cross_entropy).differentiate(inputs.double(), targets)
    ByAutograd(model, functional.cross_entropy).differentiate(inputs, targets)
    usual = (gradient(model) - gradient(exact)).norm()
    found = network(model, functional.cross_entropy)
    assert isinstance(found, ByHand)
    found.differentiate(inputs, targets)
    assert (gradient(model) - gradient(exact)).norm() <= 3 * usual


def gradient(model: nn.Module) -> torch.Tensor:
    """All that was left in `grad`, as one vector."""
    found = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    assert len(found) == len(list(model.parameters()))
    return torch.cat(found)


def test_logistic_regression_of_images() -> None:
    inputs, targets = batch(64, 784, 10)
    assert_as_autograd(Logistic([1, 28, 28], 10), inputs.reshape(64, 1, 28, 28), targets)


def test_a_loss_that_is_no_number_is_handed_on() -> None:
    model = MLP([3], 2, [4])
    inputs, targets = batch(5, 3, 2)
    loss, _ = network(model, functional.cross_entropy).differentiate(inputs * torch.inf, targets)
    assert loss.isnan()


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid"])
def test_the_tutorials_networks_go_by_hand(name: str) -> None:
    model = MLP([3], 2, [4], name)  # type: ignore[arg-type]
    assert isinstance(network(model, functional.cross_entropy), ByHand)


def test_dropout_goes_by_autograd() -> None:
    torch.manual_seed(0)
    model = MLP([3], 2, [4], dropout=0.5).train()
    inputs, targets = batch(8, 3, 2)
    state = torch.get_rng_state()
    expected = torch.autograd.grad(
        functional.cross_entropy(model(inputs), targets), list(model.parameters())
    )
    torch.set_rng_state(state)
    network(model, functional.cross_entropy).differentiate(inputs, targets)
    found = [p.grad for p in model.parameters()]
    assert all(torch.equal(f, e) for f, e in zip(found, expected, strict=True) if f is not None)


def test_another_loss_goes_by_autograd() -> None:
    model = MLP([3], 2, [4])
    inputs, targets = batch(8, 3, 2)
    loss, _ = network(model, functional.multi_margin_loss).differentiate(inputs, targets)
    assert torch.equal(loss, functional.multi_margin_loss(model(inputs), targets).detach())


def test_a_class_of_ones_own_goes_by_autograd() -> None:
    class Doubled(MLP):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            outputs: torch.Tensor = super().forward(inputs)  # type: ignore[no-untyped-call]
            return 2 * outputs

    assert_as_autograd(Doubled([3], 2, [4]), *batch(8, 3, 2))
