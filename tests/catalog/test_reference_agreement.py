"""The textbook versions walk torch's path, to within rounding.

Where both walk alone, learning rates are such that nobody arrives: around a minimum an adaptive
method jitters by its learning rate and makes that much of the last bit, torch's own
implementations (plain, foreach, fused) among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from descent import DESCENTS

from optbench.catalog import plugins
from optbench.catalog.reference import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch.optim import Optimizer

# Textbook version → torch's class, and what makes it that optimizer.
TORCHS: dict[str, tuple[str, dict[str, Any]]] = {
    "gradient_descent": ("SGD", {}),
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "adagrad": ("Adagrad", {}),
    "rmsprop": ("RMSprop", {}),
    "adam": ("Adam", {}),
    "amsgrad": ("Adam", {"amsgrad": True}),
    "adamw": ("AdamW", {}),
    "nadam": ("NAdam", {}),
    "radam": ("RAdam", {}),
    "adamax": ("Adamax", {}),
}
SHORTER = {"rmsprop": {"lr": 1e-3}}  # its default, 0.01, arrives
CHANGES: dict[str, dict[str, Any]] = {
    "decay": {"weight_decay": 0.1},
    "up": {"maximize": True},
    "up-decay": {"maximize": True, "weight_decay": 0.1},
    "lr": {"lr": 0.03},
    "lr-decay": {"lr": 0.03, "weight_decay": 0.5},
    "eps": {"eps": 1e-3},
    "no-eps": {"eps": 1e-30},
    "alpha": {"alpha": 0.5},
    "momentum": {"momentum": 0.5},
    "dampening": {"momentum": 0.8, "dampening": 0.3},
    "betas": {"betas": (0.5, 0.9)},
    "no-beta1": {"betas": (0.0, 0.99)},
    "short-beta2": {"betas": (0.9, 0.5)},
    "momentum-decay": {"momentum_decay": 0.1},
}
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


def reference(name: str, parameters: list[torch.Tensor], **arguments: Any) -> Optimizer:
    optimizer: Optimizer = plugins.load(REFERENCE[f"reference.{name}"].target)(
        parameters, **arguments
    )
    return optimizer


def torchs(name: str, parameters: list[torch.Tensor], **arguments: Any) -> Optimizer:
    """torch's own, in the implementation that goes parameter by parameter."""
    class_name, given = TORCHS[name]
    found: Optimizer = getattr(torch.optim, class_name)(
        parameters, foreach=False, **given | arguments
    )
    return found


def changed() -> Iterator[Any]:
    """Every textbook version with every change that its constructor takes."""
    for name in TORCHS:
        takes = reference(name, [torch.zeros(1)]).defaults
        for change, arguments in CHANGES.items():
            if set(arguments) <= set(takes):
                yield pytest.param(name, arguments, id=f"{name}-{change}")


@pytest.fixture(autouse=True)
def _torchs_scalars_are_double() -> Iterator[None]:
    """torch's NAdam keeps its product of momenta in the default precision."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=["32", "64"])
@pytest.mark.parametrize("problem", DESCENTS)
@pytest.mark.parametrize("name", TORCHS)
def test_with_its_defaults_each_walks_a_thousand_steps_beside_torch(
    name: str, problem: str, dtype: torch.dtype
) -> None:
    descent = DESCENTS[problem]()
    ours, theirs = descent.parameters(dtype), descent.parameters(dtype)
    descent.walk(ours, reference(name, ours, **SHORTER.get(name, {})), 1000)
    descent.walk(theirs, torchs(name, theirs, **SHORTER.get(name, {})), 1000)
    for mine, torchs_own in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, torchs_own, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("problem", DESCENTS)
@pytest.mark.parametrize(("name", "arguments"), list(changed()))
def test_with_other_hyperparameters_each_walks_beside_torch(
    name: str, arguments: dict[str, Any], problem: str
) -> None:
    descent = DESCENTS[problem]()
    ours, theirs = descent.parameters(), descent.parameters()
    sign = -1 if arguments.get("maximize") else 1
    descent.walk(ours, reference(name, ours, **SHORTER.get(name, {}) | arguments), 50, sign=sign)
    descent.walk(theirs, torchs(name, theirs, **SHORTER.get(name, {}) | arguments), 50, sign=sign)
    for mine, torchs_own in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, torchs_own, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "arguments"), list(changed()))
def test_given_the_same_thousand_gradients_each_takes_torchs_steps(
    name: str, arguments: dict[str, Any]
) -> None:
    """Gradients from 1e-6 to 1e3, a fifth of them zero; one coordinate never gets another."""
    draw = torch.Generator().manual_seed(0)
    shape = (1000, 8)
    sizes = 10 ** (9 * torch.rand(shape, generator=draw) - 6)
    there = (torch.rand(shape, generator=draw) > 0.2) * torch.tensor([0, *[1] * 7])
    gradients = torch.randn(shape, generator=draw) * sizes * there
    ours, theirs = (torch.linspace(-1, 1, 8).requires_grad_() for _ in range(2))
    mine, torchs_own = reference(name, [ours], **arguments), torchs(name, [theirs], **arguments)
    for gradient in gradients:
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        mine.step()
        torchs_own.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
