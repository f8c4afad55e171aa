"""Batches of all training examples, against torch alone and in company."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, in_cohorts
from experiments import make_learner, make_runs, train_all
from plain_loop import PlainRun, mlp

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = {"name": "digits", "train": 200, "test": 60, "validation": 40}
MODEL = {"name": "mlp", "hidden": [16]}
FULL: dict[str, Any] = {"epochs": 20, "batch_size": "full"}


def test_a_step_is_an_epoch_of_a_plain_loop_with_all_examples(tmp_path: Path) -> None:
    optimizer = {"name": "sgd", "lr": 0.5, "momentum": 0.9}
    (run,) = make_runs(tmp_path, dataset=DIGITS, model=MODEL, optimizer=optimizer, training=FULL)
    learner = make_learner(run)
    assert learner.way.kind == "chain"
    train_all(learner)
    model = mlp(64, 16, 10)
    other = PlainRun(
        model,
        torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9, fused=True),
        learner.data,
        epochs=20,
        batch_size=len(learner.data.train),
    )
    expected = other.train()
    for found, parameter in zip(learner.parameters, model.parameters(), strict=True):
        assert torch.equal(found, parameter)
    assert [(r["epoch"], r["steps"], r["examples"]) for r in learner.rows] == [
        (epoch, epoch, 200 * epoch) for epoch in range(21)
    ]
    assert [row["train_loss"] for row in learner.rows[1:]] == pytest.approx(
        [row["train_loss"] for row in expected], rel=1e-12
    )


def test_full_batches_train_in_company_as_alone(tmp_path: Path) -> None:
    items = [{"name": "adam", "lr": 0.01}, {"name": "sgd", "lr": 0.3, "schedule": "cosine"}]
    parts = {"dataset": DIGITS, "model": MODEL, "optimizer": items, "seeds": 2}
    runs = make_runs(tmp_path, training=FULL | {"epochs": 4}, **parts)
    assert in_cohorts(runs, 4) == alone(runs)
