"""Models that train alone, by autograd, with images in the layout that is fastest."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest
import torch
from plain_loop import one_thread
from torch import nn
from torch.nn import functional

from optbench.catalog.models.cifar_cnn import CifarCNN
from optbench.catalog.models.cnn import CNN
from optbench.catalog.models.lenet import LeNet
from optbench.catalog.models.resnet import ResNet18
from optbench.training.autograd import ByAutograd

if TYPE_CHECKING:
    from collections.abc import Callable

MODELS: dict[str, Callable[[int], nn.Module]] = {
    "cnn": lambda depth: CNN([depth, 16, 16], 3, channels=[4, 5], hidden=7),
    "lenet": lambda depth: LeNet([depth, 16, 16], 3, activation="relu"),
    "cifar-cnn": lambda depth: CifarCNN([depth, 16, 16], 3),
    "resnet18": lambda depth: ResNet18([depth, 16, 16], 3, width=4),
}


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("name", MODELS)
def test_convolutions_are_those_of_a_plain_loop(name: str, depth: int) -> None:
    torch.manual_seed(0)
    model = MODELS[name](depth)
    seen: list[bool] = []
    last = [module for module in model.modules() if isinstance(module, nn.Conv2d)][-1]
    inputs, targets = torch.rand(9, depth, 16, 16), torch.arange(9) % 3
    with one_thread():
        plain = copy.deepcopy(model).double()
        loss = functional.cross_entropy(plain(inputs.double()), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        last.register_forward_hook(
            lambda *given: seen.append(given[2].is_contiguous(memory_format=torch.channels_last))
        )
        network = ByAutograd(model, functional.cross_entropy)
        losses, _ = network.differentiate([(inputs, targets)])
        (found,) = network.outputs(inputs)
        expected = plain.eval()(inputs.double())
    assert seen == [True, True]
    torch.testing.assert_close(losses[0].double(), loss.detach(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.double(), expected.detach(), rtol=1e-4, atol=1e-5)
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert one.grad.is_contiguous()  # as the optimizers expect
        scale = float(other.grad.norm())
        assert (one.grad.double() - other.grad).norm() <= 1e-4 * scale + 1e-6


def test_inputs_stay_as_they_are() -> None:
    inputs, targets = torch.rand(4, 1, 8, 8), torch.arange(4) % 3
    before = inputs.clone()
    ByAutograd(CNN([1, 8, 8], 3), functional.cross_entropy).differentiate([(inputs, targets)])
    assert torch.equal(inputs, before)
    assert inputs.is_contiguous()
