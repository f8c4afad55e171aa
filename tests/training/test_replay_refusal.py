"""What isn't replayed, and the reason that is given; and that looking leaves no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from optbench.catalog.models.cnn import CNN
from optbench.catalog.models.conv1d import Conv1d
from optbench.catalog.models.gru import GRU
from optbench.catalog.models.vit import ViT
from optbench.training import replay_refusal
from optbench.training.replay_refusal import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from optbench.training.network import Batch


def batch(*shape: int) -> Batch:
    generator = torch.Generator().manual_seed(0)
    return torch.rand((8, *shape), generator=generator), torch.arange(8) % 3


class Own(nn.Module):
    """One layer, and what a subclass does with its outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.seen = torch.zeros(3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.changed(self.layer(inputs))

    def changed(self, outputs: Tensor) -> Tensor:
        return outputs


class LooksAtValues(Own):
    def changed(self, outputs: Tensor) -> Tensor:
        return outputs if outputs.sum() > 0 else -outputs


class Draws(Own):
    def changed(self, outputs: Tensor) -> Tensor:
        return outputs + torch.randn_like(outputs)


class Remembers(Own):
    def changed(self, outputs: Tensor) -> Tensor:
        self.seen += outputs.detach().sum(0)
        return outputs * self.seen


class Breaks(Own):
    def changed(self, outputs: Tensor) -> Tensor:
        raise ValueError(outputs.shape)


class Sparse(Own):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(4, 3, sparse=True)

    def changed(self, outputs: Tensor) -> Tensor:
        found: Tensor = outputs + self.table(torch.zeros(len(outputs), dtype=torch.int64))
        return found


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (LooksAtValues, "its code looks at the values of a batch"),
        (Draws, "it draws random numbers by randn_like"),
        (Remembers, "it keeps values from batch to batch outside its buffers"),
        (Breaks, "its steps can't be recorded: ValueError"),
        (Sparse, "it has tensors that aren't plain numbers in memory"),
    ],
)
def test_code_that_does_not_do_the_same_in_every_step(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], nn.Module], reason: str
) -> None:
    assert refusal(make(), functional.cross_entropy, batch(4), 8) == (
        f"{make.__name__} may do something else in each step"
    )
    monkeypatch.setattr(replay_refusal, "KNOWN", ("torch.nn.modules.", __name__))
    monkeypatch.setattr(replay_refusal, "_by_modules", lambda _: None)
    assert refusal(make(), functional.cross_entropy, batch(4), 8) == reason


def hooked() -> nn.Module:
    layer = nn.Linear(4, 3)
    layer.weight.register_hook(lambda gradient: gradient / 2)  # type: ignore[no-untyped-call]
    return layer


def watched() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 3))
    model[0].register_forward_hook(lambda *_: None)
    return model


def replaced() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 3))
    model.forward = lambda inputs: inputs[:, :3]  # type: ignore[method-assign]
    return model


def with_a_tensor() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 3))
    model.mask = torch.ones(3)
    return model


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (hooked, "its parameters have hooks"),
        (watched, "its Linear has hooks"),
        (replaced, "Sequential may do something else in each step"),
        (with_a_tensor, "its Sequential keeps a tensor that is neither parameter nor buffer"),
        (
            lambda: parametrizations.weight_norm(nn.Linear(4, 3)),
            "ParametrizedLinear may do something else in each step",
        ),
        (lambda: nn.Sequential(nn.RReLU(), nn.Linear(4, 3)), "it draws random numbers by"),
    ],
)
def test_modules_that_are_not_just_layers(make: Callable[[], nn.Module], reason: str) -> None:
    found = refusal(make(), functional.cross_entropy, batch(4), 8)
    assert found is not None
    assert found.startswith(reason)


def test_an_lstm_is_one_kernel() -> None:
    class Last(nn.LSTM):
        def forward(self, inputs: Tensor) -> Tensor:  # type: ignore[override]
            states, _ = super().forward(inputs)
            return states[:, -1]

    Last.__module__ = "torch.nn.modules.rnn"
    found = refusal(Last(4, 3, batch_first=True), functional.cross_entropy, batch(5, 4), 8)
    assert found == "its LSTM is one kernel of oneDNN"


@pytest.mark.parametrize("size", [1, 16, 64])
@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (GRU([1, 40], 3, hidden=6), (1, 40)),
        (Conv1d([1, 40], 3), (1, 40)),
        (ViT([1, 8, 8], 3, width=32, depth=2), (1, 8, 8)),
    ],
)
def test_small_models_are_replayed(model: nn.Module, shape: tuple[int, ...], size: int) -> None:
    assert refusal(model, functional.cross_entropy, batch(*shape), size) is None


def test_large_operations_are_not() -> None:
    reason = "its operations take longer than starting them"
    model = ViT([1, 8, 8], 3, depth=1)
    assert refusal(model, functional.cross_entropy, batch(1, 8, 8), 16) is None
    assert refusal(model, functional.cross_entropy, batch(1, 8, 8), 512) == reason


def test_neither_are_convolutions_of_images() -> None:
    found = refusal(CNN([1, 8, 8], 3), functional.cross_entropy, batch(1, 8, 8), 1)
    assert found == "its Conv2d layers take longer than starting them"


def test_looking_leaves_model_and_generators_as_they_are() -> None:
    torch.manual_seed(3)
    model = ViT([1, 8, 8], 3, width=8, depth=1, heads=2, dropout=0.5)
    before = [parameter.detach().clone() for parameter in model.parameters()], torch.get_rng_state()
    assert refusal(model, functional.cross_entropy, batch(1, 8, 8), 8) is None
    assert all(torch.equal(*pair) for pair in zip(before[0], model.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(before[1], torch.get_rng_state())
