"""What cohorts will take: from a few steps of each kind of run, without a trace."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from experiments import TINY, make_runs, train_all, write_plugin

from optbench.execution.data import load_data
from optbench.execution.plan import Planned
from optbench.execution.probe import Pace, probe
from optbench.store.kept import Kept
from optbench.training.data import to_device
from optbench.training.learner import Learner

if TYPE_CHECKING:
    from pathlib import Path


def planned(folder: Path, **parts: Any) -> list[Planned]:
    return [Planned(run, folder / "runs") for run in make_runs(folder, **parts)]


@pytest.mark.parametrize(
    ("training", "rows", "commits"),
    [
        ({"epochs": 3, "batch_size": 16}, 3, 3),
        ({"epochs": 3, "evaluate_every": {"steps": 5}}, 2, 3),
        ({"epochs": 3, "checkpoint_every": {"steps": 2}}, 3, 6),
    ],
)
def test_a_runs_seconds_are_those_of_its_steps_rows_and_checkpoints(
    tmp_path: Path, training: dict[str, Any], rows: int, commits: int
) -> None:
    (run,) = make_runs(tmp_path, training={"batch_size": 16} | training)
    data = to_device(load_data(run.setting, tmp_path), torch.device("cpu"))
    # 60 examples to train on, so 4 steps an epoch; 15 to validate on and 30 to test on.
    pace = Pace(begin=1000, step=1, example=0.01, commit=100)
    assert pace.of(Planned(run, tmp_path), data) == pytest.approx(
        1000 + 12 * 1 + 0.01 * (60 + 45 + rows * 45) + commits * 100
    )


def test_untrained_networks_score_on_the_first_examples_what_they_score_on_those(
    tmp_path: Path,
) -> None:
    (run,) = make_runs(tmp_path)
    known = load_data(run.setting, tmp_path)
    data = to_device(known, torch.device("cpu"))
    train_all(Learner(run, data))
    cut = dataclasses.replace(data, test=data.test.first(7))
    after = Learner(run, cut)
    train_all(after)
    few = dataclasses.replace(known, test=known.test.at(np.arange(7)))
    alone = Learner(run, to_device(few, torch.device("cpu")))
    train_all(alone)
    assert after.rows == alone.rows
    assert len(data.test.first(1000)) == len(data.test)


def test_a_run_that_goes_on_from_a_shorter_one_takes_what_is_left(tmp_path: Path) -> None:
    (run,) = make_runs(tmp_path, training={"batch_size": 16, "epochs": 5})
    data = to_device(load_data(run.setting, tmp_path), torch.device("cpu"))
    pace = Pace(begin=1000, step=1, example=0.01, commit=100)
    two_left = Planned(run, tmp_path, base=Kept("0" * 64, 3, tmp_path))
    assert pace.of(two_left, data) == pytest.approx(1000 + 8 * 1 + 0.01 * 2 * 45 + 2 * 100)


def test_a_cohort_takes_what_its_runs_take(tmp_path: Path) -> None:
    runs = planned(tmp_path, optimizer=[TINY["optimizer"], {"name": "sgd", "lr": 0.1}], seeds=3)
    loading, costs = probe(runs, [(0, 2, 4), (1, 3), (5,)], tmp_path)
    assert loading > 0
    assert costs[1] == pytest.approx(2 * costs[2])  # of one kind: the same optimizer
    assert len(costs) == 3
    assert not (tmp_path / "runs").exists()


def test_a_probe_leaves_random_numbers_and_settings_as_they_were(tmp_path: Path) -> None:
    runs = planned(tmp_path, model={"name": "mlp", "hidden": [5], "dropout": 0.5})
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    probe(runs, [(0,)], tmp_path)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "parts",
    [
        {"optimizer": {"name": "sgd", "lr": 1e30}},
        {"optimizer": {"name": "./plugin.py:Fails", "lr": 0.1}},
        {"model": {"name": "./plugin.py:Net"}},
    ],
    ids=["diverges", "optimizer", "model"],
)
def test_runs_that_end_at_once_can_be_timed_too(tmp_path: Path, parts: dict[str, Any]) -> None:
    source = """
import torch

class Fails(torch.optim.SGD):
    def step(self, closure=None):
        raise ValueError

class Net(torch.nn.Linear):
    def __init__(self):
        super().__init__(1, 1)

    def forward(self, inputs):
        raise ValueError
"""
    write_plugin(tmp_path, source)
    _, costs = probe(planned(tmp_path, seeds=2, **parts), [(0,), (1,)], tmp_path)
    assert min(costs) > 0


def test_problems_and_batch_sizes_are_timed_apart(tmp_path: Path) -> None:
    runs = planned(
        tmp_path,
        dataset=[TINY["dataset"], {"name": "digits", "validation": 100}],
        model=[{"name": "mlp", "hidden": [5]}, "logistic"],
        training={"epochs": 1, "batch_size": {"grid": [16, 32]}},
    )
    _, costs = probe(runs, [(index,) for index in range(8)], tmp_path)
    assert len(set(costs)) == 8
