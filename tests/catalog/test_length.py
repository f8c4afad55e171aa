"""Which settings depend on how long they train: told by what they do, not by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from company import begun, last_states
from experiments import TINY, make_learner, make_runs, train_all, write_experiment, write_plugin

from optbench.catalog.experiment import load_experiment
from optbench.catalog.length import refuse_ties, ties
from optbench.catalog.schedules import schedules
from optbench.errors import ConfigError
from optbench.store.metrics import format_rows

if TYPE_CHECKING:
    from pathlib import Path

NEEDED: dict[str, dict[str, Any]] = {
    "steplr": {"step_size": 2},
    "multisteplr": {"milestones": [2]},
    "exponentiallr": {"gamma": 0.5},
    "cosineannealingwarmrestarts": {"T_0": 2},
    "cycliclr": {"base_lr": 0.001, "max_lr": 0.1, "cycle_momentum": False},
    "onecyclelr": {"max_lr": 0.1},
    "constantlr": {"factor": 0.5},
}
FREE: list[dict[str, Any]] = [
    {"name": "cosineannealinglr", "T_max": 3},
    {"name": "linearlr", "total_iters": 3},
    {"name": "constantlr", "total_iters": 2},
    {"name": "polynomiallr", "total_iters": 9},
    {"name": "onecyclelr", "max_lr": 0.1, "total_steps": 40},
]
SCHEDULES = [
    *({"name": name} | NEEDED.get(name, {}) for name in schedules()),
    *FREE,
]


def going_on(folder: Path, short: int, long: int, **parts: Any) -> tuple[bool, bool]:
    """Whether a run that goes on from a shorter one has the rows of one trained at once.

    And whether its setting is said not to.
    """
    training = {"batch_size": 16, "keep_state": True} | parts.pop("training", {})
    runs = [
        make_runs(folder, training=training | {"epochs": epochs}, **parts)[0]
        for epochs in (short, long)
    ]
    (sealed,) = last_states([make_learner(runs[0])])
    extended, whole = begun(runs[1], runs[0], sealed), make_learner(runs[1])
    for learner in (extended, whole):
        train_all(learner)
    return format_rows(extended.rows) == format_rows(whole.rows), bool(ties(runs[1].setting))


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda one: "-".join(map(str, one)))
def test_runs_go_on_by_those_schedules_that_are_not_tied_to_a_length(
    tmp_path: Path, schedule: dict[str, Any]
) -> None:
    goes_on, tied = going_on(tmp_path, 2, 5, schedule=schedule)
    assert goes_on is not tied


@pytest.mark.parametrize(("average", "tied"), [("swa", True), ("ema", False), (None, False)])
def test_averages_that_begin_after_a_share_are_tied(
    tmp_path: Path, average: str | None, tied: bool
) -> None:
    assert going_on(tmp_path, 4, 8, training={"average": average}) == (not tied, tied)


def test_a_schedule_by_import_path_is_told_of_no_length(tmp_path: Path) -> None:
    source = """
from torch.optim.lr_scheduler import LRScheduler

class Falls(LRScheduler):
    def __init__(self, optimizer, total_steps=100):
        self.total_steps = total_steps
        super().__init__(optimizer)

    def get_lr(self):
        return [base * (1 - self.last_epoch / self.total_steps) for base in self.base_lrs]
"""
    write_plugin(tmp_path, source)
    schedule = {"name": "./plugin.py:Falls"}
    assert going_on(tmp_path, 2, 5, schedule=schedule) == (True, False)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (
            {"schedule": {"name": "cosine", "warmup": 0.1}},
            "schedule.name: cosine takes its total_steps from epochs, so that a run of 3 epochs "
            "does not go on from a shorter one",
        ),
        (
            {"optimizer": TINY["optimizer"] | {"schedule": "linearlr"}},
            "optimizer.schedule.name: linearlr takes its total_iters from epochs, so that",
        ),
        (
            {"training": {"epochs": 3, "average": {"name": "swa", "start": 0.5}}},
            "training.average: swa begins after a share of all epochs, 0.5, so that",
        ),
    ],
)
def test_each_tie_is_refused_at_its_line(
    tmp_path: Path, parts: dict[str, Any], expected: str
) -> None:
    path = write_experiment(tmp_path, **parts)
    with pytest.raises(ConfigError) as told:
        refuse_ties(load_experiment(path).settings)
    assert f"{path}:1: {expected}" in str(told.value)
    assert "leave --extend out to train it from the start" in str(told.value)


def test_a_horizon_that_can_be_written_is_named_as_the_remedy(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, schedule={"name": "cosineannealinglr"})
    with pytest.raises(ConfigError, match="or write a T_max that both have"):
        refuse_ties(load_experiment(path).settings)
    refuse_ties(load_experiment(path, overrides=["schedule.T_max=3"]).settings)
