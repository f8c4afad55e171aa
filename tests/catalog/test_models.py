from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch
from experiments import command, write_experiment
from torch import nn

from optbench.catalog.models import MODELS, POINT
from optbench.catalog.models.attention import Attention
from optbench.catalog.models.cnn import CNN
from optbench.catalog.models.logistic import Logistic
from optbench.catalog.models.mlp import ACTIVATIONS, MLP
from optbench.catalog.models.resnet import BasicBlock
from optbench.catalog.models.vit import ViT, _patches
from optbench.catalog.plugins import load
from optbench.catalog.receivers import model_receiver
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

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


FITTING: dict[str, list[tuple[int, ...]]] = {  # shapes of inputs, odd ones too
    "mlp": [MNIST, (20,)],
    "sigmoid-mlp": [MNIST, (2,)],
    "linear": [MNIST, (20,)],
    "logistic": [MNIST, (20,)],
    "cnn": [MNIST, (3, 9, 13)],
    "lenet": [MNIST, (3, 32, 32), (1, 8, 9)],
    "cifar-cnn": [MNIST, (3, 32, 32), (2, 16, 21)],
    "resnet18": [MNIST, (3, 9, 13)],
    "vit": [MNIST, (3, 32, 32), (1, 8, 12)],
    "gru": [(1, 40), (3, 7)],
    "lstm": [(1, 40), (3, 7)],
    "rnn": [(1, 40), (3, 7)],
    "conv1d": [(1, 40), (3, 3)],
}


PAIRS = [(name, shape) for name, shapes in FITTING.items() for shape in shapes]
OF_TOKENS = {"transformer", "bag-of-words"}  # test_sequence_models has them


def test_every_model_is_tried() -> None:
    assert FITTING.keys() | OF_TOKENS | {POINT} == MODELS.keys()


@pytest.mark.parametrize(("name", "shape"), PAIRS)
def test_every_model_maps_a_batch_to_logits(name: str, shape: tuple[int, ...]) -> None:
    model = load(MODELS[name].target)(input_shape=shape, classes=7).eval()
    for batch in (1, 5):
        assert model(torch.zeros(batch, *shape)).shape == (batch, 7)


@pytest.mark.parametrize(("name", "shape"), PAIRS)
def test_every_parameter_of_every_model_learns(name: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model = load(MODELS[name].target)(input_shape=shape, classes=3)
    outputs = model(torch.randn(6, *shape))
    loss = nn.functional.cross_entropy(outputs, torch.arange(6) % 3)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


@pytest.mark.parametrize(
    ("name", "shape", "source", "count"),
    [
        ("lenet", (1, 32, 32), "156 + 2,416 + 48,120 + 10,164 + 850, layer by layer", 61_706),
        ("cifar-cnn", (3, 32, 32), "456 + 2,416 + 48,120 + 10,164 + 850, likewise", 62_006),
        ("resnet18", (3, 32, 32), "github.com/kuangliu/pytorch-cifar", 11_173_962),
        ("conv1d", (1, 40), "MNIST-1D's paper, table 1", 5_210),
        ("gru", (1, 40), "3·64·(1 + 64 + 2) + 65·10", 13_514),
    ],
)
def test_models_have_the_published_number_of_parameters(
    name: str, shape: tuple[int, ...], source: str, count: int
) -> None:
    assert parameters(load(MODELS[name].target)(input_shape=shape, classes=10)) == count, source


IMAGES = r"needs images \[channels, height, width\]; the data are \[20\]"
SEQUENCES = r"needs sequences \[channels, length\]; the data are \[1, 28, 28\]"


@pytest.mark.parametrize(
    ("name", "shape", "reason"),
    [
        ("cnn", (20,), IMAGES),
        ("lenet", (20,), IMAGES),
        ("cifar-cnn", (20,), IMAGES),
        ("resnet18", (20,), IMAGES),
        ("vit", (20,), IMAGES),
        ("gru", MNIST, SEQUENCES),
        ("lstm", MNIST, SEQUENCES),
        ("rnn", MNIST, SEQUENCES),
        ("transformer", (1, 40), r"takes token ids \[length\]; the data are numbers \[1, 40\]"),
        ("bag-of-words", (20,), r"takes token ids \[length\]; the data are numbers \[20\]"),
        ("conv1d", MNIST, SEQUENCES),
        ("cnn", (1, 3, 28), "halves images 2 times; 3×28 is too small"),
        ("lenet", (3, 32, 33), "at most 32×32; the data are 32×33"),
        ("cifar-cnn", (3, 15, 32), "from 16×16 on; the data are 15×32"),
        ("resnet18", (3, 7, 32), "from 8×8 on; the data are 7×32"),
        ("vit", (3, 30, 32), "patches of 4×4; the data are 30×32"),
        ("conv1d", (1, 2), "from length 3 on, got 2"),
    ],
)
def test_data_that_don_t_fit_are_refused_with_both_shapes(
    name: str, shape: tuple[int, ...], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        load(MODELS[name].target)(input_shape=shape, classes=10)


def test_the_heads_of_a_transformer_divide_its_width() -> None:
    with pytest.raises(UsageError, match="multiple of heads, got 64 and 5"):
        ViT(MNIST, 10, heads=5)


def test_attention_is_torchs_own() -> None:
    torch.manual_seed(0)
    ours, theirs = Attention(12, heads=3), nn.MultiheadAttention(12, 3, batch_first=True)
    ours.projections.load_state_dict({"weight": theirs.in_proj_weight, "bias": theirs.in_proj_bias})
    ours.mixing.load_state_dict(theirs.out_proj.state_dict())
    tokens = torch.randn(2, 7, 12)
    assert torch.allclose(ours(tokens), theirs(tokens, tokens, tokens)[0], atol=1e-6)


def test_patches_are_what_a_convolution_of_that_stride_sees() -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 3, 8, 12)
    convolution = nn.Conv2d(3, 5, 4, stride=4, bias=False)
    linear = _patches(images, 4) @ convolution.weight.flatten(1).T
    assert torch.allclose(linear, convolution(images).flatten(2).transpose(1, 2), atol=1e-5)


def test_a_residual_block_is_torchvisions() -> None:
    from torchvision.models.resnet import BasicBlock as TheirBlock

    torch.manual_seed(0)
    theirs, ours = TheirBlock(4, 4), BasicBlock(4, 4, stride=1)
    names = {"0": "conv1", "1": "bn1", "3": "conv2", "4": "bn2"}
    for place, name in names.items():
        ours.residual.get_submodule(place).load_state_dict(getattr(theirs, name).state_dict())
    maps = torch.randn(2, 4, 6, 6)
    assert torch.equal(ours(maps), theirs(maps))


def test_a_torchvision_model_takes_its_number_of_classes_from_the_experiment(
    tmp_path: Path,
) -> None:
    assert "num_classes" in model_receiver("torchvision.resnet18").filled
    model = {"name": "torchvision.models:resnet18"}
    dataset = {"name": "synthetic", "features": [3, 32, 32], "train": 8, "test": 4}
    path = write_experiment(
        tmp_path, dataset=dataset, model=model, training={"epochs": 1, "batch_size": 8}
    )
    outcome = command("run", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 0, outcome.err


def test_flattening_takes_any_shape() -> None:
    assert next(MLP((2, 3, 4), 2).parameters()).shape[1] == math.prod((2, 3, 4))
