"""Runs that stopped together go on in another company, to the bits of those never stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from company import alone, assert_ends_as, resumed, stopped, traces
from experiments import DRAWS, make_learner, make_runs, write_plugin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.config.spec import Run

PLUGIN = (
    DRAWS
    + """
class Searches(torch.optim.LBFGS):
    "Evaluates the loss itself."
"""
)
OPTIMIZERS: list[dict[str, Any]] = [
    {"name": "adam", "lr": 0.01, "schedule": {"name": "cosine"}},
    {"name": "./plugin.py:Draws", "lr": 0.1},
    {"name": "sgd", "lr": 0.1, "momentum": 0.9, "schedule": {"name": "reducelronplateau"}},
    {"name": "./plugin.py:Searches", "lr": 0.1, "max_iter": 3},
    {"name": "reference.adam", "lr": 0.01},
    {"name": "rmsprop", "lr": 0.01, "schedule": {"name": "steplr", "step_size": 1}},
    {"name": "adafactor", "lr": 0.01},
    {"name": "adam", "lr": 0.02},  # not among the seven that stop
]
EPOCH_STEPS = 4
PARTS: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [17, 3], "dropout": 0.3},
    # 60 examples in batches of 16: the interval of a row lies across the end of an epoch.
    "training": {"epochs": 4, "batch_size": 16, "evaluate_every": {"steps": 3}},
}


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Run, ...]:
    write_plugin(tmp_path, PLUGIN)
    return make_runs(tmp_path, optimizer=OPTIMIZERS, **PARTS)


def stopped_after(runs: Sequence[Run], epochs: int) -> list[bytes]:
    return stopped([make_learner(run) for run in runs], epochs * EPOCH_STEPS)


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("chosen", [[0, 1, 2], [6, 1, 3], [5], [6, 5, 4, 3, 2, 1, 0]])
def test_some_of_seven_go_on(runs: tuple[Run, ...], chosen: list[int], epochs: int) -> None:
    sealed = stopped_after(runs[:7], epochs)
    found = traces([resumed(runs[index], sealed[index]) for index in chosen])
    for trace, whole in zip(found, alone([runs[index] for index in chosen]), strict=True):
        assert_ends_as(trace, whole)


def test_with_one_that_stopped_in_another_cohort(runs: tuple[Run, ...]) -> None:
    seven, single = stopped_after(runs[:7], 2), stopped_after(runs[7:], 2)
    learners = [resumed(runs[7], single[0]), *(resumed(runs[k], seven[k]) for k in (2, 0, 3))]
    found = traces(learners)
    for trace, whole in zip(found, alone([runs[k] for k in (7, 2, 0, 3)]), strict=True):
        assert_ends_as(trace, whole)


def test_beside_one_that_starts_anew_and_trains_afterwards(runs: tuple[Run, ...]) -> None:
    """Steps differ, so that they are two cohorts in one process, one after the other."""
    sealed = stopped_after(runs[:7], 2)
    found = traces([resumed(runs[k], sealed[k]) for k in (1, 6, 3)])
    found += traces([make_learner(runs[7])])
    for trace, whole in zip(found, alone([runs[k] for k in (1, 6, 3, 7)]), strict=True):
        assert_ends_as(trace, whole)


def test_stopped_again_and_again_in_changing_company(runs: tuple[Run, ...]) -> None:
    """After each epoch all are sealed, and go on with another neighbour."""
    learners = {k: make_learner(runs[k]) for k in range(8)}
    for epochs in (1, 2, 3):
        for first in range(0, 8, 2):
            pair = [first, (first + 2 * epochs + 1) % 8]
            sealed = stopped([learners[k] for k in pair], epochs * EPOCH_STEPS)
            for k, content in zip(pair, sealed, strict=True):
                learners[k] = resumed(runs[k], content)
    found = traces(list(learners.values()))
    for trace, whole in zip(found, alone(runs), strict=True):
        assert_ends_as(trace, whole)


@pytest.mark.parametrize("steps", [2, 5, 7, 10])
def test_within_an_epoch_at_the_batch_where_they_stopped(tmp_path: Path, steps: int) -> None:
    write_plugin(tmp_path, PLUGIN)
    training = PARTS["training"] | {"checkpoint_every": {"steps": 1}}
    often = make_runs(tmp_path, optimizer=OPTIMIZERS, **PARTS | {"training": training})
    runs = make_runs(tmp_path, optimizer=OPTIMIZERS, **PARTS)
    assert [run.hash for run in often] == [run.hash for run in runs]  # it changes no result
    sealed = stopped([make_learner(run) for run in often[:7]], steps)
    chosen = [4, 0, 5, 1, 2]
    found = traces([resumed(runs[index], sealed[index]) for index in chosen])
    for trace, whole in zip(found, alone([runs[index] for index in chosen]), strict=True):
        assert_ends_as(trace, whole)
