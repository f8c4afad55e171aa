"""Replayed steps of several runs against autograd, to the bit."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import torch
from plain_loop import one_thread
from small_nets import Attention, Tied
from torch import Tensor, nn
from torch.nn import functional

from optbench.catalog.loss_functions import cross_entropy_of_positions
from optbench.catalog.models.conv1d import Conv1d
from optbench.catalog.models.gru import GRU
from optbench.catalog.models.mlp import ACTIVATIONS, MLP
from optbench.catalog.models.rnn import RNN
from optbench.catalog.models.transformer import Transformer
from optbench.catalog.models.vit import ViT
from optbench.training import replay
from optbench.training.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from optbench.training.losses import Loss
    from optbench.training.network import Batch

CLASSES, TOKENS, LENGTH = 5, 11, 6


@pytest.fixture(autouse=True)
def single_thread() -> Iterator[None]:
    with one_thread():
        yield


class Cell(nn.Module):
    """A recurrent cell by hand over embedded tokens (Elman 1990), with a class for each."""

    def __init__(self, width: int = 7) -> None:
        super().__init__()
        self.embedding = nn.Embedding(TOKENS, width)
        self.read, self.remember = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, ids: Tensor) -> Tensor:
        read = self.read(self.embedding(ids))
        state = torch.zeros_like(read[:, 0])
        states = []
        for token in read.unbind(1):
            state = torch.tanh(token + self.remember(state))
            states.append(state)
        outputs: Tensor = self.head(torch.stack(states, 1))
        return outputs


class Causal(nn.Module):
    """Attention over tokens, with a class for each, and with a constant."""

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.embedding, self.norm = nn.Embedding(TOKENS, width), nn.LayerNorm(width)
        # The dropout is the default of the kernel that draws, which goes unsaid.
        self.attention, self.head = Attention(width, 3, dropout=0.5), nn.Linear(width, CLASSES)

    def forward(self, ids: Tensor) -> Tensor:
        tokens = self.norm(self.embedding(ids))
        scale = torch.tensor([0.5, 2.0]).repeat(tokens.shape[2] // 2)
        outputs: Tensor = self.head(tokens + self.attention(tokens) * scale)
        return outputs


def normalized() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 9), nn.BatchNorm1d(9), nn.SiLU(), nn.Linear(9, CLASSES))


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "vit": (lambda: ViT((1, 8, 8), CLASSES, width=12, depth=2, heads=3, dropout=0.2), (1, 8, 8)),
    "gru": (lambda: GRU((2, 9), CLASSES, hidden=13), (2, 9)),
    "conv1d": (lambda: Conv1d((2, 24), CLASSES, channels=5), (2, 24)),
    "rnn": (lambda: nn.Sequential(nn.RNN(3, 6, 2, batch_first=True), _Last()), (5, 3)),
    "batch norm": (normalized, (4,)),
    "tied": (lambda: Tied(CLASSES), (4,)),
}


def transformer() -> nn.Module:
    return Transformer([LENGTH], CLASSES, TOKENS, [LENGTH], width=12, heads=3, dropout=0.2)


OF_TOKENS: dict[str, Callable[[], nn.Module]] = {
    "cell": Cell,
    "causal": Causal,
    "transformer": transformer,
}


class _Last(nn.Module):
    """Of what a recurrent layer gives, the last state."""

    def forward(self, states: tuple[Tensor, Any]) -> Tensor:
        return states[0][:, -1]


def made(make: Callable[[], nn.Module], runs: int) -> list[nn.Module]:
    torch.manual_seed(runs)
    return [make() for _ in range(runs)]


def batch(shape: Sequence[int], examples: int, seed: int) -> Batch:
    generator = torch.Generator().manual_seed(1000 * seed + examples)
    inputs = torch.randn((examples, *shape), generator=generator)
    return inputs, torch.randint(CLASSES, (examples,), generator=generator)


def tokens(examples: int, seed: int) -> Batch:
    generator = torch.Generator().manual_seed(1000 * seed + examples)
    ids = torch.randint(TOKENS, (examples, LENGTH), generator=generator)
    return ids, torch.randint(CLASSES, (examples, LENGTH), generator=generator)


def generators(runs: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(run) for run in range(runs)]


def replayed(models: Sequence[nn.Module], loss: Loss, *, foreign: bool = False) -> Replay:
    return Replay(models, loss, generators(len(models)), [foreign] * len(models))


def assert_as_autograd(
    models: Sequence[nn.Module], steps: Sequence[Sequence[Batch]], loss: Loss
) -> None:
    """Losses, outputs, gradients and buffers of each run, with its own weights and batch."""
    plain, noise = copy.deepcopy(models), generators(len(models))
    network = replayed(models, loss)
    for batches in steps:
        losses, outputs = network.differentiate(batches)
        for run, (model, (inputs, targets)) in enumerate(zip(plain, batches, strict=True)):
            model.zero_grad()
            torch.set_rng_state(noise[run].get_state())
            expected = model(inputs)
            value = loss(expected, targets)
            torch.autograd.backward(value)
            noise[run].set_state(torch.get_rng_state())
            assert torch.equal(losses[run], value)
            assert torch.equal(outputs[run], expected)
            for found, other in zip(models[run].parameters(), model.parameters(), strict=True):
                assert_same_gradient(found.grad, other.grad)
            for buffer, moved in zip(models[run].buffers(), model.buffers(), strict=True):
                assert torch.equal(buffer, moved)


def assert_same_gradient(found: Tensor | None, expected: Tensor | None) -> None:
    if found is None or expected is None:
        assert found is expected
        return
    assert torch.equal(found, expected)
    assert found.stride() == expected.stride()  # fused optimizers walk memory
    assert found.data_ptr() % 64 == 0  # products round by the alignment of their operands


@pytest.mark.parametrize("runs", [1, 2, 7])
@pytest.mark.parametrize("name", MODELS)
def test_the_same_bits_as_autograd(name: str, runs: int) -> None:
    make, shape = MODELS[name]
    sizes = (7, 16, 2, 7)
    steps = [[batch(shape, size, run // 2) for run in range(runs)] for size in sizes]
    assert_as_autograd(made(make, runs), steps, functional.cross_entropy)


@pytest.mark.parametrize("hidden", [7, 32, 64])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_thin_products_with_long_sums(channels: int, hidden: int) -> None:
    def make() -> nn.Module:
        return RNN((channels, 40), CLASSES, hidden=hidden)

    steps = [[batch((channels, 40), size, run) for run in range(3)] for size in (16, 7)]
    assert_as_autograd(made(make, 3), steps, functional.cross_entropy)


@pytest.mark.parametrize("name", ["vit", "gru", "conv1d"])
def test_fifty_runs_and_a_batch_of_one(name: str) -> None:
    make, shape = MODELS[name]
    steps = [[batch(shape, size, run) for run in range(50)] for size in (3, 1)]
    assert_as_autograd(made(make, 50), steps, functional.cross_entropy)


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("name", OF_TOKENS)
def test_tokens_with_a_class_for_each(name: str, runs: int) -> None:
    steps = [[tokens(size, run) for run in range(runs)] for size in (8, 3, 8)]
    assert_as_autograd(made(OF_TOKENS[name], runs), steps, cross_entropy_of_positions)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("hidden", [(33, 17), (1,), (32,), ()])
def test_odd_widths(hidden: tuple[int, ...], activation: str) -> None:
    def make() -> nn.Module:
        return MLP([5], CLASSES, hidden, activation, dropout=0.3)  # type: ignore[arg-type]

    steps = [[batch((5,), size, run) for run in range(3)] for size in (31, 1, 64)]
    assert_as_autograd(made(make, 3), steps, functional.cross_entropy)


@pytest.mark.parametrize(
    "loss",
    [
        functional.mse_loss,
        functional.binary_cross_entropy_with_logits,
        lambda outputs, targets: functional.cross_entropy(
            outputs, targets.argmax(1), label_smoothing=0.1
        ),
    ],
)
def test_other_losses(loss: Loss, capfd: pytest.CaptureFixture[str]) -> None:
    def drawn(size: int, run: int) -> Batch:
        return batch((5,), size, run)[0], batch((CLASSES,), size, run + 9)[0].sigmoid()

    steps = [[drawn(size, run) for run in range(3)] for size in (9, 4)]
    assert_as_autograd(made(lambda: MLP([5], CLASSES, [6]), 3), steps, loss)
    assert capfd.readouterr().err == ""  # torch warns there of results that don't fit their memory


@pytest.mark.parametrize("name", ["vit", "gru"])
def test_runs_that_go_one_group_after_the_other(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, shape = MODELS[name]
    steps = [[batch(shape, size, run) for run in range(5)] for size in (7, 3)]
    for cache in (1, 300_000):
        monkeypatch.setattr(replay, "CACHE", cache)
        assert_as_autograd(made(make, 5), steps, functional.cross_entropy)


def test_in_float64() -> None:
    make, shape = MODELS["vit"]
    models = [model.double() for model in made(make, 2)]
    inputs, targets = batch(shape, 7, 0)
    assert_as_autograd(models, [[(inputs.double(), targets)] * 2], functional.cross_entropy)


def test_outputs_are_those_of_the_models_in_eval_mode() -> None:
    make, shape = MODELS["vit"]
    models = made(make, 3)
    network = replayed(models, functional.cross_entropy)
    inputs, targets = batch(shape, 7, 0)
    network.differentiate([(inputs, targets)] * 3)
    found = network.outputs(inputs)
    for model, outputs in zip(models, found, strict=True):
        assert model.training
        assert torch.equal(outputs, copy.deepcopy(model).eval()(inputs))
        assert not outputs.requires_grad


def test_steps_do_not_share_what_they_give() -> None:
    make, shape = MODELS["conv1d"]
    network = replayed(made(make, 2), functional.cross_entropy)
    first = network.differentiate([batch(shape, 4, 0)] * 2)
    kept = [tensor.clone() for tensor in first]
    network.differentiate([batch(shape, 4, 1)] * 2)
    assert all(torch.equal(*pair) for pair in zip(first, kept, strict=True))


def test_a_run_without_numbers_leaves_its_neighbours_alone() -> None:
    make, shape = MODELS["vit"]
    models = made(make, 3)
    with torch.no_grad():
        next(models[1].parameters()).fill_(torch.nan)
    drawn = batch(shape, 7, 0)
    healthy = copy.deepcopy(models[::2])
    noise = generators(3)
    losses, _ = replayed(models, functional.cross_entropy).differentiate([drawn] * 3)
    assert losses.isnan().tolist() == [False, True, False]
    expected, _ = Replay(healthy, functional.cross_entropy, noise[::2], [False] * 2).differentiate(
        [drawn] * 2
    )
    assert torch.equal(losses[::2], expected)


def test_an_optimizer_of_ones_own_may_keep_gradients_and_give_parameters_new_memory() -> None:
    make, shape = MODELS["conv1d"]
    (model,), drawn = made(make, 1), batch(shape, 7, 0)
    network = replayed([model], functional.cross_entropy, foreign=True)
    network.differentiate([drawn])
    kept = [parameter.grad for parameter in model.parameters()]
    values = [gradient.clone() for gradient in kept if gradient is not None]
    for parameter in model.parameters():
        parameter.data = parameter.data - 0.5  # not in place
    plain = copy.deepcopy(model)
    losses, _ = network.differentiate([drawn])
    assert torch.equal(losses[0], functional.cross_entropy(plain(drawn[0]), drawn[1]))
    assert all(torch.equal(*pair) for pair in zip(kept, values, strict=True))  # type: ignore[arg-type]
