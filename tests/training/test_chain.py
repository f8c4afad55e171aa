"""Chains of several runs against autograd: to the bit where the products are its own."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, cast

import pytest
import torch
from plain_loop import one_thread
from torch import nn
from torch.nn import functional

from optbench.catalog.models.logistic import Logistic
from optbench.catalog.models.mlp import ACTIVATIONS, MLP
from optbench.training.autograd import ByAutograd
from optbench.training.chain import Chain, is_chain
from optbench.training.products import WORTH_ONEDNN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.training.network import Batch

SIZES = itertools.product((1, 2, 31, 64), (1, 5, 784), ((), (1,), (128,), (33, 7)), (1, 10))
SMALL = [s for s in SIZES if s[0] * s[1] * max(s[2], default=s[3]) < WORTH_ONEDNN]
LARGE = [(64, 784, (128,), 10), (33, 784, (256, 130), 3), (1000, 784, (), 10), (31, 784, (65,), 1)]
RUNS = 3


@pytest.fixture(autouse=True)
def single_thread() -> Iterator[None]:
    with one_thread():
        yield


def batch(examples: int, features: int, classes: int, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(1000 * seed + examples)
    inputs = torch.randn((examples, features), generator=generator)
    return inputs, torch.randint(classes, (examples,), generator=generator)


def generators(runs: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(run) for run in range(runs)]


def assert_as_autograd(
    models: Sequence[nn.Module], batches: Sequence[Batch], label_smoothing: float = 0.0
) -> None:
    """Losses, outputs and gradients of each run, with its own weights and batch."""
    noise = generators(len(models))
    chain = Chain(models, generators(len(models)), label_smoothing)
    losses, outputs = chain.differentiate(batches)
    assert not outputs.requires_grad
    for run, (model, (inputs, targets)) in enumerate(zip(models, batches, strict=True)):
        found = [parameter.grad for parameter in model.parameters()]
        torch.set_rng_state(noise[run].get_state())
        expected = model(inputs)
        loss = functional.cross_entropy(expected, targets, label_smoothing=label_smoothing)
        assert torch.equal(losses[run], loss)
        assert torch.equal(outputs[run], expected)
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        for parameter_gradient, gradient in zip(found, gradients, strict=True):
            assert parameter_gradient is not None
            assert torch.equal(parameter_gradient, gradient)
            assert parameter_gradient.stride() == gradient.stride()  # fused optimizers walk memory


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize(("examples", "features", "hidden", "classes"), SMALL)
def test_the_same_bits_as_autograd(
    examples: int, features: int, hidden: tuple[int, ...], classes: int, activation: str
) -> None:
    torch.manual_seed(0)
    models = [MLP([features], classes, hidden, activation) for _ in range(RUNS)]  # type: ignore[arg-type]
    shared = batch(examples, features, classes)
    assert_as_autograd(models, [shared, batch(examples, features, classes, seed=1), shared])


@pytest.mark.parametrize("label_smoothing", [0.1, 0.5])
@pytest.mark.parametrize(("examples", "features", "hidden", "classes"), SMALL)
def test_smoothed_labels_with_the_same_bits_as_autograd(
    examples: int, features: int, hidden: tuple[int, ...], classes: int, label_smoothing: float
) -> None:
    torch.manual_seed(0)
    models = [MLP([features], classes, hidden) for _ in range(RUNS)]
    batches = [batch(examples, features, classes, seed) for seed in range(RUNS)]
    assert_as_autograd(models, batches, label_smoothing)


@pytest.mark.parametrize("examples", [7, 64])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_dropout_draws_what_autograd_draws_from_the_runs_own_generator(
    activation: str, examples: int
) -> None:
    torch.manual_seed(0)
    models = [MLP([5], 3, (17, 33), activation, dropout=0.3) for _ in range(RUNS)]  # type: ignore[arg-type]
    assert_as_autograd(models, [batch(examples, 5, 3)] * RUNS)


def test_evaluation_is_without_dropout() -> None:
    torch.manual_seed(0)
    model = MLP([5], 3, (17,), dropout=0.5)
    inputs, _ = batch(64, 5, 3)
    (outputs,) = Chain([model], generators(1)).outputs(inputs)
    assert torch.equal(outputs, model.eval()(inputs))


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
    ByAutograd(exact, functional.cross_entropy).differentiate([(inputs.double(), targets)])
    ByAutograd(model, functional.cross_entropy).differentiate([(inputs, targets)])
    usual = (gradient(model) - gradient(exact)).norm()
    Chain([model], generators(1)).differentiate([(inputs, targets)])
    assert (gradient(model) - gradient(exact)).norm() <= 3 * usual


def test_runs_with_inputs_in_common_keep_the_bits_that_they_have_alone() -> None:
    """Also where an optimizer gives a weight new memory, and where others leave the cohort."""
    torch.manual_seed(0)
    models = [MLP([784], 10, [128]) for _ in range(5)]
    copies = copy.deepcopy(models)
    shared, other = batch(64, 784, 10), batch(64, 784, 10, seed=1)
    for left in (5, 5, 3):
        chain = Chain(models[:left], generators(left))
        for drawn in ([shared] * left, [shared, shared, other, *[shared] * (left - 3)]):
            chain.differentiate(drawn)
            for model, its_copy, its_batch in zip(models, copies, drawn, strict=False):
                Chain([its_copy], generators(1)).differentiate([its_batch])
                assert torch.equal(gradient(model), gradient(its_copy))
            for model in (*models, *copies):
                with torch.no_grad():
                    for parameter in model.parameters():
                        parameter.data = parameter - 0.1 * cast("torch.Tensor", parameter.grad)


def gradient(model: nn.Module) -> torch.Tensor:
    """All that was left in `grad`, as one vector."""
    found = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    assert len(found) == len(list(model.parameters()))
    return torch.cat(found)


def test_logistic_regression_of_images() -> None:
    inputs, targets = batch(64, 784, 10)
    models = [Logistic([1, 28, 28], 10) for _ in range(RUNS)]
    assert_as_autograd(models, [(inputs.reshape(64, 1, 28, 28), targets)] * RUNS)


def test_a_loss_that_is_no_number_is_handed_on_and_stays_with_its_run() -> None:
    torch.manual_seed(0)
    models = [MLP([3], 2, [4]) for _ in range(RUNS)]
    inputs, targets = batch(5, 3, 2)
    broken = inputs * torch.inf
    losses, _ = Chain(models, generators(RUNS)).differentiate(
        [(inputs, targets), (broken, targets), (inputs, targets)]
    )
    assert losses.isnan().tolist() == [False, True, False]


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_the_catalogs_chains_are_stacked(name: str) -> None:
    model = MLP([3], 2, [4], name, dropout=0.1)  # type: ignore[arg-type]
    assert is_chain(model, functional.cross_entropy)


def test_what_is_not_known_to_keep_its_bits_is_not_stacked() -> None:
    class Doubled(MLP):
        """A class of one's own, which may do anything."""

    model = MLP([3], 2, [4])
    assert is_chain(model, functional.cross_entropy)
    assert not is_chain(model, functional.multi_margin_loss)
    assert not is_chain(Doubled([3], 2, [4]), functional.cross_entropy)
    assert not is_chain(MLP([3], 2, [4], dropout=1.0), functional.cross_entropy)
    model.append(nn.Softmax(1))
    assert not is_chain(model, functional.cross_entropy)
    frozen = MLP([3], 2, [4])
    next(frozen.parameters()).requires_grad = False
    assert not is_chain(frozen, functional.cross_entropy)


def test_by_autograd_any_loss_and_model() -> None:
    model = MLP([3], 2, [4])
    inputs, targets = batch(8, 3, 2)
    losses, outputs = ByAutograd(model, functional.multi_margin_loss).differentiate(
        [(inputs, targets)]
    )
    assert torch.equal(losses[0], functional.multi_margin_loss(model(inputs), targets).detach())
    assert torch.equal(outputs[0], model(inputs).detach())
