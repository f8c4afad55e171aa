from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from optbench.catalog.models import MODELS
from optbench.catalog.models.cnn import CNN
from optbench.catalog.models.logistic import Logistic
from optbench.catalog.models.mlp import ACTIVATIONS, MLP
from optbench.catalog.plugins import load
from optbench.catalog.receivers import model_receiver
from optbench.errors import UsageError

MNIST = (1, 28, 28)


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def kinds(model: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in model.children()]


def test_the_tutorials_mlp_is_784_128_10_with_torchs_own_initial_weights() -> None:
    torch.manual_seed(3)
    ours = MLP(MNIST, 10)
    torch.manual_seed(3)
    theirs = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    assert kinds(ours) == kinds(theirs)
    assert parameters(ours) == 784 * 128 + 128 + 128 * 10 + 10 == 101_770
    for mine, torchs in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, torchs)


def test_an_mlp_without_hidden_layers_is_logistic_regression() -> None:
    assert kinds(MLP(MNIST, 10, hidden=())) == kinds(Logistic(MNIST, 10))
    assert parameters(Logistic(MNIST, 10)) == 784 * 10 + 10


def test_dropout_stands_after_every_hidden_activation_and_only_where_asked_for() -> None:
    model = MLP((4,), 2, hidden=[8, 6], activation="tanh", dropout=0.5)
    assert kinds(model) == [
        "Flatten", "Linear", "Tanh", "Dropout", "Linear", "Tanh", "Dropout", "Linear",
    ]  # fmt: skip
    assert "Dropout" in kinds(CNN(MNIST, 10, dropout=0.1))
    assert "Dropout" not in kinds(MLP((4,), 2)) + kinds(CNN(MNIST, 10))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_that_yaml_may_name_is_torchs(name: str) -> None:
    parameter = model_receiver("mlp").parameters["activation"]
    assert set(parameter.type.choices) == set(ACTIVATIONS)
    x = torch.linspace(-2, 2, 9)
    assert torch.equal(ACTIVATIONS[name]()(x), getattr(nn.functional, name, torch.tanh)(x))


def test_the_cnn_halves_the_image_at_each_convolution() -> None:
    model = CNN(MNIST, 10, channels=[4, 8], hidden=16)
    convolutions = (1 * 9 + 1) * 4 + (4 * 9 + 1) * 8
    assert parameters(model) == convolutions + (8 * 7 * 7 + 1) * 16 + (16 + 1) * 10


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shape", [MNIST, (3, 9, 13)])
def test_every_model_maps_a_batch_to_logits(name: str, shape: tuple[int, ...]) -> None:
    model = load(MODELS[name].target)(input_shape=shape, classes=7)
    for batch in (1, 5):
        assert model(torch.zeros(batch, *shape)).shape == (batch, 7)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((20,), r"needs images \[channels, height, width\]; the data are \[20\]"),
        ((1, 3, 28), "halves images 2 times; 3×28 is too small"),
    ],
)
def test_the_cnn_refuses_what_is_no_image_or_too_small(shape: tuple[int, ...], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        CNN(shape, 10)


def test_flattening_takes_any_shape() -> None:
    assert next(MLP((2, 3, 4), 2).parameters()).shape[1] == math.prod((2, 3, 4))
