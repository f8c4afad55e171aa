from __future__ import annotations

import random
from typing import TYPE_CHECKING, Literal

import optuna
import pytest
from stored_runs import make_rows, write_run

from optbench.store.scan import scan
from optbench.store.tuning import Trial
from optbench.tuning.pruning import above_median, best_ones, history

if TYPE_CHECKING:
    from pathlib import Path


def test_the_best_go_on_and_of_equals_the_first() -> None:
    told = {4: {1.0: 0.5}, 2: {1.0: 0.5, 2.0: 0.1}, 7: {1.0: 0.2}, 9: {}}
    assert best_ones(told, 1, 2, "val_loss") == {7, 2}
    assert best_ones(told, 1, 2, "val_accuracy") == {2, 4}
    assert best_ones(told, 1, 9, "val_loss") == {2, 4, 7}  # one that diverged does not


@pytest.mark.parametrize("objective", ["val_loss", "val_accuracy"])
def test_the_median_rule_is_that_of_optuna(objective: str) -> None:
    draw = random.Random(0)
    levels = [draw.random() for _ in range(24)]
    curves = [{float(e): level + draw.random() / 2 for e in (1, 3, 9)} for level in levels]
    complete, going = curves[:8], dict(enumerate(curves[8:]))
    direction: Literal["minimize", "maximize"]
    direction = "minimize" if objective == "val_loss" else "maximize"
    for rung in (1, 3):
        study = optuna.create_study(direction=direction, pruner=optuna.pruners.MedianPruner())
        for curve in complete:
            trial = study.ask()
            for epoch, value in curve.items():
                trial.report(value, int(epoch))
            study.tell(trial, curve[9.0])
        theirs = set()
        for number, curve in going.items():
            trial = study.ask()
            for epoch in (one for one in curve if one <= rung):
                trial.report(curve[epoch], int(epoch))
            if not trial.should_prune():
                theirs.add(number)
        assert 0 < len(theirs) < len(going)
        assert above_median(going, rung, complete, objective) == theirs


def test_the_median_of_fewer_than_five_trials_decides_nothing() -> None:
    going = {0: {1.0: 9.0}, 1: {1.0: 0.1}, 2: {}}
    assert above_median(going, 1, [{1.0: 0.5}] * 4, "val_loss") == {0, 1}
    assert above_median(going, 1, [{1.0: 0.5}] * 5, "val_loss") == {1}


def test_a_history_is_the_mean_over_seeds_and_none_of_a_trial_that_diverged(
    tmp_path: Path,
) -> None:
    first = write_run(tmp_path, make_rows([0.1, 0.2, 0.3], val_loss=[2.0, 1.0, 0.5]), seed=0)
    second = write_run(tmp_path, make_rows([0.1, 0.2], val_loss=[2.0, 3.0]), seed=1)
    wild = write_run(tmp_path, make_rows([0.1], val_loss=[2.0]), seed=2, status="diverged")
    stored = {run.result.run: run for run in scan(tmp_path).runs}
    runs = [scan(path).runs[0].result.run for path in (first, second, wild)]
    assert history(Trial(0, {}, tuple(runs[:2])), stored, "val_loss") == {1: 2.0}
    assert history(Trial(0, {}, tuple(runs[:1])), stored, "val_loss") == {1: 1.0, 2: 0.5}
    assert history(Trial(0, {}, tuple(runs)), stored, "val_loss") == {}
