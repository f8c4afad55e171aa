"""Which runs train together, and what is said of those that don't."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from experiments import make_learner, make_runs, write_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.training.learner import Learner

OWN = """
import torch
from torch import nn

class Net(nn.Sequential):
    def __init__(self, input_shape, classes):
        super().__init__(nn.Linear(input_shape[0], classes))

class Doubling(torch.optim.SGD):
    def step(self, closure=None):
        super().step(closure)
        super().step()

class Searching(torch.optim.LBFGS):
    pass
"""


def learner(folder: Path, **parts: Any) -> Learner:
    write_plugin(folder, OWN)
    (run,) = make_runs(folder, **parts)
    return make_learner(run)


@pytest.mark.parametrize(
    "parts",
    [
        {"model": {"name": "logistic"}},
        {"model": {"name": "mlp", "hidden": [5, 4], "activation": "gelu", "dropout": 0.2}},
        {"optimizer": {"name": "rmsprop", "lr": 0.1, "groups": [{"match": "1.*", "lr": 0.2}]}},
        {"optimizer": {"name": "./plugin.py:Doubling", "lr": 0.1}},
    ],
)
def test_chains_are_stacked_with_any_optimizer(tmp_path: Path, parts: dict[str, Any]) -> None:
    found = learner(tmp_path, **parts).way
    assert found.stacked
    assert found.reason == "a chain of linear layers on the CPU"


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"model": {"name": "./plugin.py:Net"}}, "Net may do something else in each step"),
        (
            {"optimizer": {"name": "./plugin.py:Searching", "lr": 1.0}},
            "Searching evaluates the loss itself",
        ),
        (
            {"training": {"epochs": 1, "batch_size": 16, "compile": True}},
            "torch.compile makes code for one model",
        ),
    ],
)
def test_the_rest_trains_alone_and_says_why(
    tmp_path: Path, parts: dict[str, Any], reason: str
) -> None:
    found = learner(tmp_path, **parts).way
    assert not found.stacked
    assert found.reason == reason


def test_the_way_depends_neither_on_weights_nor_on_hyperparameters(tmp_path: Path) -> None:
    optimizer = {"name": "adam", "lr": {"grid": [0.1, 1e-5]}}
    runs = make_runs(tmp_path, optimizer=optimizer, seeds=2)
    assert len({make_learner(run).way for run in runs}) == 1
