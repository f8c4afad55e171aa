"""What the interval of a row took, wherever in it a run was stopped and gone on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from clocks import clock_of_steps
from company import begun, last_states, resumed, stopped
from experiments import make_learner, make_runs, train_all

from optbench.training.checkpoint import from_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.spec import Run
    from optbench.training.learner import Learner

OPTIMIZERS = [{"name": "sgd", "lr": 0.1}, {"name": "adam", "lr": 0.01}]
# Of 4 steps an epoch: a second a step, and a quarter of one after steps 4 and 8.
WHOLE = [(0, 0.0), (3, 3.0), (6, 3.25), (9, 3.25), (12, 3.0)]


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_of_steps(monkeypatch)


def runs_of(folder: Path, *more: dict[str, Any], **training: Any) -> tuple[Run, ...]:
    how = {"epochs": 3, "batch_size": 16, "evaluate_every": {"steps": 3}} | training
    return make_runs(folder, optimizer=[*OPTIMIZERS, *more], training=how)


def seconds(learner: Learner) -> list[tuple[int, float]]:
    return [(steps, train) for steps, train, _ in learner.timings]


def test_a_row_has_the_seconds_of_a_runs_own_steps_and_schedule(tmp_path: Path) -> None:
    learners = [make_learner(run) for run in runs_of(tmp_path)]
    train_all(*learners)
    assert [seconds(learner) for learner in learners] == [WHOLE, WHOLE]


@pytest.mark.parametrize("steps", range(1, 12))
def test_those_before_a_stop_are_in_the_row_after_it(tmp_path: Path, steps: int) -> None:
    runs = runs_of(tmp_path, checkpoint_every={"steps": 1})
    sealed = stopped([make_learner(run) for run in runs], steps)
    learners = [resumed(*each) for each in zip(runs, sealed, strict=True)]
    if steps < 11:  # once more, and from there alone
        sealed = stopped(learners, steps + 1)
        learners = [resumed(*each) for each in zip(runs, sealed, strict=True)]
    for learner in learners:
        train_all(learner)
        assert seconds(learner) == WHOLE


def test_those_before_a_state_that_was_kept_are_in_the_row_of_the_longer_run(
    tmp_path: Path,
) -> None:
    short, long = runs_of(tmp_path, epochs=2, keep_state=True), runs_of(tmp_path)
    shorter = [make_learner(run) for run in short]
    sealed = last_states(shorter)
    longer = [begun(*each) for each in zip(long, short, sealed, strict=True)]
    train_all(*longer)
    assert [seconds(learner) for learner in shorter] == [[*WHOLE[:3], (8, 2.25)]] * 2
    assert [seconds(learner) for learner in longer] == [WHOLE, WHOLE]


def test_a_checkpoint_of_before_they_were_kept_counts_from_where_it_goes_on(
    tmp_path: Path,
) -> None:
    run, _ = runs_of(tmp_path, checkpoint_every={"steps": 1})
    state = from_bytes(stopped([make_learner(run)], 8)[0], run.hash)
    del state["train_seconds"]
    learner = make_learner(run)
    learner.restore(state)
    train_all(learner)
    assert seconds(learner) == [*WHOLE[:3], (9, 1.0), WHOLE[4]]


def test_a_run_that_diverges_leaves_its_seconds_to_none_of_the_others(tmp_path: Path) -> None:
    learners = [make_learner(run) for run in runs_of(tmp_path, {"name": "sgd", "lr": 1e30})]
    train_all(*learners)
    assert [seconds(learner) for learner in learners] == [WHOLE, WHOLE, WHOLE[:1]]
