"""Targets that are not one class an example, against plain torch loops."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from experiments import make_learner, make_runs, train_all, write_plugin
from plain_loop import documented_seed, one_thread
from torch import nn

from optbench.catalog.datasets.task import Task
from optbench.store.metrics import format_rows
from optbench.training.data import DeviceData, Split
from optbench.training.learner import Learner

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.spec import Run

STREAM = {
    "dataset": {"name": "random-targets", "train": 40, "test": 20},
    "model": "sigmoid-mlp",
    "optimizer": {"name": "adam", "lr": 0.05},
    "training": {"epochs": 3, "batch_size": 16},
}
TEXT = Task((5,), 7, positions=(5,), vocabulary=7)


def drawn(seed: int, epoch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """An epoch's examples as the documentation has them, from numpy alone."""
    high, low = divmod(documented_seed("examples", seed, epoch), 2**32)
    random = np.random.RandomState([high, low])
    inputs, targets = random.random_sample((40, 2)), random.random_sample((40, 1))
    return torch.tensor(inputs, dtype=torch.float32), torch.tensor(targets, dtype=torch.float32)


def test_a_stream_gives_each_epoch_examples_of_its_own_as_a_plain_loop_draws_them(
    tmp_path: Path,
) -> None:
    (run,) = make_runs(tmp_path, **STREAM, seeds=[3])
    learner = make_learner(run)
    train_all(learner)
    with one_thread():
        torch.manual_seed(documented_seed("weights", 3))
        model = nn.Sequential(nn.Linear(2, 4), nn.Sigmoid(), nn.Linear(4, 1), nn.Sigmoid())
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05, fused=True)
        for epoch in range(3):
            inputs, targets = drawn(3, epoch)
            order = torch.randperm(
                40, generator=torch.Generator().manual_seed(documented_seed("batches", 3, epoch))
            )
            losses = []
            for chosen in torch.split(order, 16):
                optimizer.zero_grad()
                loss = nn.BCELoss()(model(inputs[chosen]), targets[chosen])
                loss.backward()
                optimizer.step()
                losses.append(loss.item() * len(chosen))
            row = learner.rows[1 + epoch]
            assert row["train_loss"] == pytest.approx(sum(losses) / 40, rel=1e-6)
            assert row["train_accuracy"] is row["test_accuracy"] is None


def test_a_streamed_run_gives_the_same_bytes_in_company(tmp_path: Path) -> None:
    runs = make_runs(tmp_path, **STREAM, seeds=3)
    together = [make_learner(run) for run in runs]
    train_all(*together)
    for run, learner in zip(runs, together, strict=True):
        alone = make_learner(run)
        train_all(alone)
        assert format_rows(alone.rows) == format_rows(learner.rows)
    assert len({learner.rows[0]["test_loss"] for learner in together}) == 3


def prepared(run: Run, task: Task, train: Split, test: Split, **more: Any) -> Learner:
    setting = dataclasses.replace(
        run.setting, training={**run.setting.training, "loss": task.losses[0]}
    )
    run = dataclasses.replace(run, setting=setting)
    return Learner(run, DeviceData(train, None, test, task, **more))


def text(n: int, seed: int) -> Split:
    ids = torch.randint(7, (n, 6), generator=torch.Generator().manual_seed(seed))
    return Split(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())


BIGRAMS = """
from torch import nn

class Bigrams(nn.Embedding):
    def __init__(self, vocabulary, classes):
        super().__init__(vocabulary, classes)
"""


def test_a_class_for_each_position_counts_every_position_in_loss_and_accuracy(
    tmp_path: Path,
) -> None:
    write_plugin(tmp_path, BIGRAMS)
    (run,) = make_runs(tmp_path, model="./plugin.py:Bigrams", optimizer={"name": "sgd", "lr": 0.5})
    train, test = text(60, 1), text(30, 2)
    learner = prepared(run, TEXT, train, test)
    table = learner.model.weight.detach().clone()  # type: ignore[operator]
    train_all(learner)
    first = learner.rows[0]
    assert first["test_loss"] == pytest.approx(
        nn.functional.cross_entropy(table[test.inputs.flatten()], test.targets.flatten()).item()
    )
    right = table[train.inputs].argmax(-1) == train.targets
    assert first["train_accuracy"] == pytest.approx(right.float().mean().item())
    # By the last row it has learned: each position's right answers are counted while it trains.
    assert 0 < float(learner.rows[-1]["train_accuracy"] or 0) < 1
    assert learner.rows[-1]["train_loss"] < first["train_loss"]  # type: ignore[operator]


@pytest.mark.parametrize(("loss", "edge"), [("bce", 0.5), ("bce_with_logits", 0.0)])
def test_a_probability_answers_by_its_half_and_a_logit_by_its_sign(
    loss: str, edge: float, tmp_path: Path
) -> None:
    (run,) = make_runs(tmp_path, model="sigmoid-mlp" if loss == "bce" else "logistic")
    generator = torch.Generator().manual_seed(5)
    inputs = torch.randn(50, 2, generator=generator)
    split = Split(inputs, (inputs[:, :1] > 0).float())
    learner = prepared(run, Task((2,), 1, losses=(loss,)), split, split)
    with torch.no_grad():
        right = (learner.model(inputs) > edge) == (split.targets > 0.5)
    train_all(learner)
    assert learner.rows[0]["test_accuracy"] == pytest.approx(right.float().mean().item())


def test_squared_errors_have_no_accuracy(tmp_path: Path) -> None:
    (run,) = make_runs(tmp_path, model="logistic", optimizer={"name": "sgd", "lr": 0.1})
    inputs = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    split = Split(inputs, inputs @ torch.tensor([[1.0, 2.0], [0.5, -1.0], [0.0, 3.0]]))
    learner = prepared(run, Task((3,), 2, losses=("mse",)), split, split)
    with torch.no_grad():
        error = nn.functional.mse_loss(learner.model(inputs), split.targets).item()
    train_all(learner)
    assert learner.rows[0]["test_loss"] == pytest.approx(error)
    assert all(row["test_accuracy"] is None for row in learner.rows)
    assert learner.rows[-1]["test_loss"] < error / 2  # type: ignore[operator]


def test_ordered_examples_are_taken_in_their_order(tmp_path: Path) -> None:
    (run,) = make_runs(
        tmp_path,
        model="logistic",
        optimizer={"name": "sgd", "lr": 0.1},
        training={"epochs": 2, "batch_size": 16},
    )
    inputs = torch.randn(60, 3, generator=torch.Generator().manual_seed(1))
    split = Split(inputs, inputs.sum(1, keepdim=True))
    learner = prepared(run, Task((3,), 1, losses=("mse",)), split, split, ordered=True)
    model = nn.Linear(3, 1)
    model.load_state_dict({k[2:]: v.clone() for k, v in learner.model.state_dict().items()})
    train_all(learner)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for chosen in torch.split(torch.arange(60), 16) * 2:
        optimizer.zero_grad()
        torch.autograd.backward(
            nn.functional.mse_loss(model(inputs[chosen]), split.targets[chosen])
        )
        optimizer.step()
    error = nn.functional.mse_loss(model(inputs), split.targets).item()
    assert learner.rows[-1]["test_loss"] == pytest.approx(error, rel=1e-5)


BOUNDED = """
import torch
from torch import nn

class Bounded(nn.Linear):
    def __init__(self, input_shape, classes):
        super().__init__(input_shape[0], classes)

    def after_step(self):
        self.weight.clamp_(-0.1, 0.1)

    def row_measures(self):
        return {"largest": self.weight.abs().max().item()}
"""


def test_a_model_may_mend_its_parameters_after_a_step_and_add_columns(tmp_path: Path) -> None:
    write_plugin(tmp_path, BOUNDED)
    (run,) = make_runs(tmp_path, model="./plugin.py:Bounded", optimizer={"name": "sgd", "lr": 5})
    learner = make_learner(run)
    train_all(learner)
    assert learner.rows[0]["largest"] > 0.2  # type: ignore[operator]
    assert learner.rows[-1]["largest"] == pytest.approx(0.1)
    assert format_rows(learner.rows).splitlines()[0].endswith(",param_norm,largest")


def test_the_loss_of_random_targets_ends_at_the_logarithm_of_two(tmp_path: Path) -> None:
    parts = STREAM | {"dataset": {"name": "random-targets", "train": 1000, "test": 2000}}
    (run,) = make_runs(tmp_path, **parts | {"training": {"epochs": 5, "batch_size": 32}})
    learner = make_learner(run)
    train_all(learner)
    assert learner.rows[-1]["test_loss"] == pytest.approx(math.log(2), abs=0.01)
