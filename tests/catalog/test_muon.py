"""muon by name: torch's Muon and torch's AdamW side by side, to the bit."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR, LRScheduler

from optbench.catalog.muon import Muon

ARGUMENTS: dict[str, Any] = {"lr": 0.02, "weight_decay": 0.05}


def made() -> nn.Sequential:
    """Two matrices, a filter and vectors, the same at each call."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 2, 3), nn.Flatten(),
        nn.Linear(8, 7), nn.Tanh(), nn.Linear(7, 3),
    )  # fmt: skip


def train(model: nn.Module, optimizers: list[torch.optim.Optimizer], first: int, last: int) -> None:
    """Steps on batches of their own, with lr falling by a tenth each."""
    schedules: list[LRScheduler] = [ExponentialLR(optimizer, 0.9) for optimizer in optimizers]
    for step in range(first, last):
        inputs = torch.randn(5, 6, generator=torch.Generator().manual_seed(step))
        model.zero_grad()
        model(inputs).square().sum().backward()
        for optimizer in optimizers:
            optimizer.step()
        for schedule in schedules:
            schedule.step()


def values(model: nn.Module) -> list[bytes]:
    return [parameter.detach().numpy().tobytes() for parameter in model.parameters()]


@pytest.mark.parametrize(
    ("muons", "adamws", "given"),
    [
        ({}, {}, {}),
        ({"nesterov": False, "ns_steps": 3, "adjust_lr_fn": "match_rms_adamw"}, {}, {}),
        ({"ns_coefficients": (3.0, -4.0, 2.0), "eps": 1e-5, "momentum": 0.8}, {}, {}),
        (
            {},
            {"lr": 0.02 * 0.25, "betas": (0.8, 0.95), "eps": 1e-6},
            {"adamw_lr_ratio": 0.25, "adamw_betas": (0.8, 0.95), "adamw_eps": 1e-6},
        ),
    ],
)
def test_matrices_take_the_steps_of_torchs_muon_and_all_else_those_of_its_adamw(
    muons: dict[str, Any], adamws: dict[str, Any], given: dict[str, Any]
) -> None:
    ours, theirs = made(), made()
    matrices = [p for p in theirs.parameters() if p.ndim == 2]
    rest = [p for p in theirs.parameters() if p.ndim != 2]
    assert len(matrices) == 2
    assert len(rest) == 4
    train(ours, [Muon(ours.parameters(), **ARGUMENTS, **muons, **given)], 0, 9)
    apart = [
        torch.optim.Muon(matrices, **(ARGUMENTS | muons)),
        torch.optim.AdamW(rest, **(ARGUMENTS | adamws)),
    ]
    train(theirs, apart, 0, 9)
    assert values(ours) == values(theirs)


def test_groups_have_arguments_of_their_own_and_may_be_adamws() -> None:
    ours, theirs = made(), made()
    names = dict(ours.named_parameters())
    last = ("5.weight", "5.bias")
    groups: list[dict[str, Any]] = [
        {"params": [p for name, p in names.items() if name not in last]},
        {"params": [names[name] for name in last], "orthogonalize": False, "lr": 0.001},
    ]
    train(ours, [Muon(groups, **ARGUMENTS)], 0, 9)
    names = dict(theirs.named_parameters())
    vectors = [p for name, p in names.items() if name not in (*last, "3.weight")]
    apart: list[torch.optim.Optimizer] = [
        torch.optim.Muon([names["3.weight"]], **ARGUMENTS),
        torch.optim.AdamW(vectors, **ARGUMENTS),
        torch.optim.AdamW([names[name] for name in last], **(ARGUMENTS | {"lr": 0.001})),
    ]
    train(theirs, apart, 0, 9)
    assert values(ours) == values(theirs)


def test_one_state_goes_on_to_the_same_bits() -> None:
    whole, halves, resumed = made(), made(), made()
    optimizer = Muon(whole.parameters(), **ARGUMENTS)
    train(whole, [optimizer], 0, 4)
    train(whole, [optimizer], 4, 8)
    first = Muon(halves.parameters(), **ARGUMENTS)
    train(halves, [first], 0, 4)
    stored = io.BytesIO()
    torch.save({"model": halves.state_dict(), "optimizer": first.state_dict()}, stored)
    stored.seek(0)
    state = torch.load(stored, weights_only=True)
    second = Muon(resumed.parameters(), **ARGUMENTS)
    resumed.load_state_dict(state["model"])
    second.load_state_dict(state["optimizer"])
    train(resumed, [second], 4, 8)
    assert values(resumed) == values(whole)


def test_a_closure_is_evaluated_once_and_its_loss_returned() -> None:
    model = made()
    optimizer = Muon(model.parameters(), **ARGUMENTS)
    calls = []

    def closure() -> float:
        calls.append(torch.is_grad_enabled())
        model(torch.ones(1, 6)).sum().backward()
        return 1.5

    assert optimizer.step(closure) == 1.5
    assert calls == [True]


@pytest.mark.parametrize(
    "arguments", [{"lr": -1.0}, {"adamw_eps": -1.0}, {"adjust_lr_fn": "mine"}, {"momentum": -0.1}]
)
def test_what_torchs_two_refuse_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Invalid|should be|not supported"):
        Muon(made().parameters(), **arguments)
