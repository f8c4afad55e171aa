"""A longer run goes on from the last state of a shorter one to the bits of one trained at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from company import alone, assert_ends_as, begun, last_states, resumed, traces
from experiments import DRAWS, make_learner, make_runs, train_all, write_plugin

from optbench.training.loop import train
from optbench.training.records import Commit, LastState

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.spec import Run

PLUGIN = (
    DRAWS
    + """
class Searches(torch.optim.LBFGS):
    "Evaluates the loss itself."

class Halves(torch.optim.lr_scheduler.LRScheduler):
    def get_lr(self):
        return [base / 2**self.last_epoch for base in self.base_lrs]

class Restless(torch.nn.Sequential):
    "Draws in every evaluation, so that each one more is told by all that follows."

    def __init__(self, classes):
        super().__init__(torch.nn.Flatten(), torch.nn.LazyLinear(classes))
        self(torch.zeros(1, 6))

    def forward(self, inputs):
        return super().forward(inputs + 0.1 * torch.randn_like(inputs))
"""
)
OPTIMIZERS: list[dict[str, Any]] = [
    {"name": "adam", "lr": 0.01},
    {"name": "./plugin.py:Draws", "lr": 0.1, "schedule": {"name": "./plugin.py:Halves"}},
    {"name": "sgd", "lr": 0.1, "momentum": 0.9, "schedule": {"name": "reducelronplateau"}},
    {"name": "./plugin.py:Searches", "lr": 0.1, "max_iter": 3},
    {"name": "rmsprop", "lr": 0.01, "schedule": {"name": "steplr", "step_size": 1}},
    {"name": "nadam", "lr": 0.01, "schedule": {"name": "inverse-sqrt"}},
    {"name": "adamw", "lr": 0.01, "schedule": {"name": "cosineannealinglr", "T_max": 6}},
    {"name": "muon", "lr": 0.01},
]
MODELS: dict[str, Any] = {
    "stacked": {"name": "mlp", "hidden": [17, 3], "dropout": 0.3},
    "own": {"name": "./plugin.py:Restless"},
}
TRAININGS: dict[str, dict[str, Any]] = {
    "a row an epoch": {},
    "a row each 3 steps": {"evaluate_every": {"steps": 3}},  # 4 an epoch: none after 2 epochs
    "averaged": {"average": {"name": "ema", "decay": 0.8}, "evaluate_every": {"steps": 5}},
    "accumulated": {"accumulate": 2, "clip_norm": 0.5, "evaluate_every": {"steps": 3}},
    "in float64": {"dtype": "float64"},
}
SHORT, LONG = 2, 5


def runs_of(folder: Path, epochs: int, **parts: Any) -> tuple[Run, ...]:
    training = {"epochs": epochs, "batch_size": 16} | parts.pop("training", {})
    return make_runs(folder, training=training, **parts)


@pytest.mark.parametrize("training", TRAININGS.values(), ids=TRAININGS)
@pytest.mark.parametrize("model", MODELS)
def test_more_epochs_give_the_bits_of_as_many_at_once(
    tmp_path: Path, model: str, training: dict[str, Any]
) -> None:
    write_plugin(tmp_path, PLUGIN)
    optimizers = [one for one in OPTIMIZERS if model == "stacked" or one["name"] != "muon"]
    parts = {"optimizer": optimizers, "model": MODELS[model]}
    short = runs_of(tmp_path, SHORT, training=training | {"keep_state": True}, **parts)
    long = runs_of(tmp_path, LONG, training=training, **parts)
    sealed = last_states([make_learner(run) for run in short])
    found = traces([begun(*each) for each in zip(long, short, sealed, strict=True)])
    for trace, whole in zip(found, alone(long), strict=True):
        assert_ends_as(trace, whole)


def test_to_keep_its_state_changes_nothing_of_a_run(tmp_path: Path) -> None:
    training = {"evaluate_every": {"steps": 3}}
    (plain,) = runs_of(tmp_path, SHORT, training=training)
    (keeping,) = runs_of(tmp_path, SHORT, training=training | {"keep_state": True})
    assert keeping.hash == plain.hash
    found, whole = traces([make_learner(keeping)]), traces([make_learner(plain)])
    assert found == whole


def test_a_state_is_kept_where_that_is_asked_for_alone(tmp_path: Path) -> None:
    (plain,) = runs_of(tmp_path, SHORT)
    records = train_all(make_learner(plain))
    assert not any(isinstance(record, LastState) for record in records)


def test_a_run_that_went_on_can_be_stopped_and_gone_on_from(tmp_path: Path) -> None:
    write_plugin(tmp_path, PLUGIN)
    training = {"keep_state": True, "checkpoint_every": {"steps": 1}}
    parts = {"model": MODELS["own"], "training": training}  # alone, it holds the generators
    two, four, six = (runs_of(tmp_path, epochs, **parts)[0] for epochs in (2, 4, 6))
    (second,) = last_states([make_learner(two)])
    stops = train([begun(four, two, second)])
    commits = (record for record in stops if isinstance(record, Commit))
    sealed = next(commit.state() for commit in commits if commit.steps == 11)
    (fourth,) = last_states([resumed(four, sealed)])
    (trace,) = traces([begun(six, four, fourth)])
    assert_ends_as(trace, alone([six])[0])
