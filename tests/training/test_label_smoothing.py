"""Smoothed labels while training, against torch.nn.functional.cross_entropy's own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, assert_ends_as, in_cohorts, resumed, stopped, traces
from experiments import make_learner, make_runs, train_all
from plain_loop import documented_seed, mean_loss, mlp, one_thread
from torch.nn import functional

from optbench.catalog.loss_functions import cross_entropy_of_positions
from optbench.catalog.models.mlp import MLP
from optbench.training.autograd import ByAutograd
from optbench.training.vmapped import Vmapped

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = {"name": "digits", "train": 200, "test": 60, "validation": 40}
MODEL = {"name": "mlp", "hidden": [16]}
SMOOTHED = {"epochs": 15, "batch_size": 32, "label_smoothing": 0.1}


def test_training_minimizes_the_smoothed_loss_and_evaluation_is_of_the_plain_one(
    tmp_path: Path,
) -> None:
    """The same bits as torch alone, over 105 steps of stacked chains."""
    adam = {"name": "adam", "lr": 0.01}
    (run,) = make_runs(tmp_path, dataset=DIGITS, model=MODEL, optimizer=adam, training=SMOOTHED)
    learner = make_learner(run)
    assert learner.way.kind == "chain"
    train_all(learner)
    data, model = learner.data, mlp(64, 16, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    smoothed = partial(functional.cross_entropy, label_smoothing=0.1)
    first = smoothed(model(data.train.inputs), data.train.targets).item()
    losses: list[tuple[float, int]] = []
    with one_thread():
        for epoch in range(15):
            generator = torch.Generator().manual_seed(documented_seed("batches", 0, epoch))
            for chosen in torch.split(torch.randperm(200, generator=generator), 32):
                loss = smoothed(model(data.train.inputs[chosen]), data.train.targets[chosen])
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
                losses.append((loss.item(), len(chosen)))
    for found, parameter in zip(learner.parameters, model.parameters(), strict=True):
        assert torch.equal(found, parameter)
    row = learner.rows[-1]
    last_epoch = sum(loss * size for loss, size in losses[-7:]) / 200
    assert row["train_loss"] == pytest.approx(last_epoch, rel=1e-12)
    assert row["test_loss"] == pytest.approx(mean_loss(model, data.test), rel=1e-6)
    assert data.validation is not None
    assert row["val_loss"] == pytest.approx(mean_loss(model, data.validation), rel=1e-6)
    assert learner.rows[0]["train_loss"] == pytest.approx(first, rel=1e-6)


def test_smoothed_labels_in_company_and_resumed(tmp_path: Path) -> None:
    items: list[dict[str, Any]] = [
        {"name": "adam", "lr": 0.01},
        {"name": "sgd", "lr": 0.1, "momentum": 0.9, "schedule": {"name": "cosine"}},
        {"name": "lbfgs", "lr": 0.1, "max_iter": 3},
    ]
    training = {"epochs": 3, "batch_size": 16, "label_smoothing": 0.2}
    runs = make_runs(tmp_path, optimizer=items, training=training, seeds=2)
    expected = alone(runs)
    assert in_cohorts(runs, 6) == expected
    sealed = stopped([make_learner(run) for run in runs[:3]], 4)
    for index in range(3):
        (found,) = traces([resumed(runs[index], sealed[index])])
        assert_ends_as(found, expected[index])


def test_stacked_by_vmap_too() -> None:
    torch.manual_seed(0)
    models = [MLP([5], 3, [4]) for _ in range(2)]
    batches = [(torch.randn(6, 5), torch.randint(3, (6,))) for _ in models]
    smoothed = partial(functional.cross_entropy, label_smoothing=0.3)
    losses = [
        ByAutograd(m, smoothed).differentiate([b])[0] for m, b in zip(models, batches, strict=True)
    ]
    gradients = [p.grad for model in models for p in model.parameters()]
    stacked, _ = Vmapped(models, smoothed).differentiate(batches)
    torch.testing.assert_close(stacked, torch.cat(losses))
    for model_gradient, gradient in zip(
        (p.grad for m in models for p in m.parameters()), gradients, strict=True
    ):
        torch.testing.assert_close(model_gradient, gradient)


def test_positions_are_smoothed_as_torch_smooths_them() -> None:
    outputs, targets = torch.randn(4, 7, 5), torch.randint(5, (4, 7))
    found = cross_entropy_of_positions(outputs, targets, label_smoothing=0.1)
    by_torch = functional.cross_entropy(outputs.transpose(1, 2), targets, label_smoothing=0.1)
    torch.testing.assert_close(found, by_torch)
