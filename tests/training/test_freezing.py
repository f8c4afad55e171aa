"""Frozen parameters: against torch alone, in company, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, assert_ends_as, in_cohorts, resumed, stopped, traces
from experiments import make_learner, make_runs, refusal, train_all, write_plugin
from plain_loop import PlainRun, mlp

from optbench.execution.cohorts import make_cohorts
from optbench.execution.plan import Plan, Planned
from optbench.execution.rehearsal import rehearse

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = {"name": "digits", "train": 200, "test": 60}
MODEL = {"name": "mlp", "hidden": [16]}
FROZEN = {"epochs": 15, "batch_size": 32, "freeze": ["1.*"]}


def test_the_rest_trains_as_in_a_plain_loop_without_them(tmp_path: Path) -> None:
    adam = {"name": "adam", "lr": 0.01, "weight_decay": 0.1}
    (run,) = make_runs(tmp_path, dataset=DIGITS, model=MODEL, optimizer=adam, training=FROZEN)
    learner = make_learner(run)
    untrained = learner.model[1].weight.detach().clone()  # type: ignore[index]
    train_all(learner)
    model = mlp(64, 16, 10)
    model[1].requires_grad_(requires_grad=False)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=0.01, weight_decay=0.1, fused=True)
    expected = PlainRun(model, optimizer, learner.data, epochs=15, batch_size=32).train()
    assert [row["train_loss"] for row in learner.rows[1:]] == pytest.approx(
        [row["train_loss"] for row in expected], rel=1e-12
    )
    for found, other in zip(learner.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(found, other)
    assert torch.equal(learner.model[1].weight, untrained)  # type: ignore[index]
    assert learner.size == sum(parameter.numel() for parameter in trained) == 16 * 10 + 10
    assert len(learner.optimizer.state) == 2  # of the weight and the bias that are trained


def test_frozen_parts_in_company_and_resumed(tmp_path: Path) -> None:
    items: list[dict[str, Any]] = [
        {"name": "adam", "lr": 0.01},
        {"name": "sgd", "lr": 0.1, "momentum": 0.9},
    ]
    training = {"epochs": 3, "batch_size": 16, "freeze": ["*.bias"]}
    runs = make_runs(tmp_path, optimizer=items, training=training, seeds=2)
    expected = alone(runs)
    assert in_cohorts(runs, 4) == expected
    sealed = stopped([make_learner(run) for run in runs], 4)
    (found,) = traces([resumed(runs[1], sealed[1])])
    assert_ends_as(found, expected[1])


NORMALIZED = """
from torch import nn

class Normalized(nn.Sequential):
    def __init__(self, input_shape, classes):
        super().__init__(nn.BatchNorm1d(input_shape[0]), nn.Linear(input_shape[0], classes))
"""


def test_statistics_of_frozen_batch_normalization_go_on(tmp_path: Path) -> None:
    write_plugin(tmp_path, NORMALIZED)
    training = {"epochs": 1, "batch_size": 16, "freeze": ["0.*"]}
    (run,) = make_runs(tmp_path, model="./plugin.py:Normalized", training=training)
    learner = make_learner(run)
    train_all(learner)
    norm = learner.model[0]  # type: ignore[index]
    assert torch.equal(norm.weight, torch.ones(6))
    assert not torch.equal(norm.running_mean, torch.zeros(6))


def test_settings_with_and_without_do_not_mix(tmp_path: Path) -> None:
    training = {"epochs": 1, "freeze": {"grid": [["1.*"], [], ["3.*"]]}}
    runs = make_runs(tmp_path, training=training)
    planned = tuple(Planned(run, tmp_path) for run in runs)
    rehearsed = rehearse(Plan((), planned, force=False)).footprints
    assert all(rehearsed[run.setting.setting_hash].stacked for run in runs)
    assert make_cohorts(planned, rehearsed, 1, 1 << 40) == ((0,), (1,), (2,))
    assert [run.setting.label for run in runs] == [
        "adam lr=0.01 freeze=[1.*]", "adam lr=0.01", "adam lr=0.01 freeze=[3.*]",
    ]  # fmt: skip
    assert len({run.setting.problem_hash for run in runs}) == 1


@pytest.mark.parametrize(
    ("globs", "message"),
    [
        (
            ["3.*", "features.*"],
            "training.freeze[1]: no parameter matches 'features.*' "
            "[it has 1.weight, 1.bias, 3.weight, 3.bias]",
        ),
        (["*"], "training.freeze: leaves no parameter to train [name fewer of them]"),
    ],
)
def test_what_cannot_be_frozen_is_refused_at_its_line(
    tmp_path: Path, globs: list[str], message: str
) -> None:
    told, _, remedy = message.partition(" [")
    shown = refusal(tmp_path, training={"epochs": 1, "freeze": globs})
    assert f"tiny.yaml:1: {told}" in shown
    assert remedy.rstrip("]") in shown
