"""Optimizers that mean other weights than they train, against torch's average of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import assert_ends_as, resumed, stopped, traces
from experiments import make_learner, make_runs, train_all, write_plugin
from plain_loop import PlainRun, mean_loss, mlp, norm
from torch.nn.utils import parameters_to_vector
from torch.optim.swa_utils import AveragedModel

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.training.learner import Learner

PLUGIN = """
import torch

class Means(torch.optim.SGD):
    '''Trains like SGD and means the mean of all weights so far.'''

    def __init__(self, params, lr):
        super().__init__(params, lr)
        self.param_groups[0]["training"] = False

    @torch.no_grad()
    def step(self, closure=None):
        assert self.param_groups[0]["training"]
        super().step(closure)
        for p in self.param_groups[0]["params"]:
            state = self.state[p]
            state["count"] = state.get("count", 0) + 1
            mean = state.setdefault("mean", p.detach().clone())
            mean += (p - mean) / state["count"]

    def eval(self):
        assert self.param_groups[0]["training"]
        self._swap(False)

    def train(self):
        assert not self.param_groups[0]["training"]
        self._swap(True)

    @torch.no_grad()
    def _swap(self, training):
        self.param_groups[0]["training"] = training
        for p in self.param_groups[0]["params"]:
            if "mean" in self.state[p]:
                p.copy_(p + self.state[p]["mean"])  # so that going back rounds
                self.state[p]["mean"] = p - self.state[p]["mean"]
                p.copy_(p - self.state[p]["mean"])
"""
MEANS = {"name": "./plugin.py:Means", "lr": 0.1}


def learner(folder: Path, **training: Any) -> Learner:
    write_plugin(folder, PLUGIN)
    (run,) = make_runs(folder, optimizer=MEANS, training={"epochs": 3, "batch_size": 16} | training)
    return make_learner(run)


def test_it_is_evaluated_with_the_weights_that_it_means_and_goes_on_with_its_own(
    tmp_path: Path,
) -> None:
    found = learner(tmp_path)
    assert not found.way.stacked
    train_all(found)
    model = mlp(6, 5, 3)
    averaged = AveragedModel(model)

    class Averaging(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            super().step(closure)
            averaged.update_parameters(model)

    PlainRun(model, Averaging(model.parameters(), 0.1), found.data, 3, 16).train()
    row = found.rows[-1]
    assert row["test_loss"] == pytest.approx(mean_loss(averaged, found.data.test), rel=1e-5)
    assert row["test_loss"] != pytest.approx(mean_loss(model, found.data.test), rel=1e-3)
    raw = norm(parameters_to_vector(model.parameters()).detach())
    assert row["param_norm"] == pytest.approx(raw, rel=1e-5)


def test_how_often_it_is_evaluated_changes_nothing_of_its_training(tmp_path: Path) -> None:
    each_epoch, each_step = learner(tmp_path), learner(tmp_path, evaluate_every={"steps": 1})
    train_all(each_epoch)
    train_all(each_step)
    rows = {row["steps"]: row for row in each_step.rows}
    for row in each_epoch.rows:
        assert row["param_norm"] == rows[row["steps"]]["param_norm"]
        assert row["test_loss"] == rows[row["steps"]]["test_loss"]


def test_it_goes_on_from_a_checkpoint_to_the_same_bytes(tmp_path: Path) -> None:
    whole = learner(tmp_path)
    (expected,) = traces([whole])
    (sealed,) = stopped([make_learner(whole.run)], 8)
    (found,) = traces([resumed(whole.run, sealed)])
    assert_ends_as(found, expected)
