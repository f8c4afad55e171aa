"""One optimizer of a search, on runs that were written and not trained."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from experiments import write_experiment
from stored_runs import ADAM, make_rows, write_run

from optbench.catalog.search import load_search
from optbench.errors import StoreError
from optbench.store.scan import scan
from optbench.tuning.budget import Budget, trials_of
from optbench.tuning.proposals import make_proposer
from optbench.tuning.side import Side, TrialsFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.config.spec import Run, Setting
    from optbench.store.stored_run import StoredRun

HALVING = {"trials": 2, "sampler": "random", "pruner": {"name": "hyperband", "reduction": 2}}


def asked(folder: Path, tuning: dict[str, Any]) -> Side:
    """Adam in a search of four epochs a trial, with its first trials proposed."""
    optimizer = {"name": "adam", "lr": {"loguniform": [1e-4, 1e-1]}}
    training = {"epochs": 4, "batch_size": 16}
    path = write_experiment(folder, optimizer=optimizer, training=training, tuning=tuning)
    search = load_search(path)
    (adam,) = search.contenders
    proposer = make_proposer(search.tuning, adam.label, adam.dimensions)
    budget = Budget(search.tuning, trials_of(search), search.epochs)
    side = Side(adam, search.tuning, proposer, budget, default=None)

    def runs_of(setting: Setting) -> tuple[Run, ...]:
        seeds = search.tuning.seeds
        return dataclasses.replace(search.experiment, settings=(setting,), seeds=seeds).runs()

    side.ask(runs_of)
    return side


def stored(
    folder: Path, side: Side, losses: Sequence[Sequence[float]], **described: Any
) -> dict[str, StoredRun]:
    """A run of each trial with these validation losses after its epochs, by its hash."""
    for trial, told in zip(side.asked_trials, losses, strict=True):
        rows = make_rows([0.1] * (1 + len(told)), val_loss=[2.3, *told])
        optimizer = ADAM | {"lr": trial.values["lr"]}
        write_run(folder, rows, run=trial.runs[0], optimizer=optimizer, **described)
    return {run.result.run: run for run in scan(folder).runs}


def test_the_better_half_of_a_bracket_goes_on_and_the_others_are_pruned_at_their_rung(
    tmp_path: Path,
) -> None:
    """R = 4 and η = 2: four trials of an epoch, two of 2, one of 4 (Li et al. 2018, Algorithm 1).

    That takes 4 + 2 + 2 epochs, which is all of the budget: two trials of 4.
    """
    side = asked(tmp_path, HALVING)
    (first,) = side.asked
    assert (first.bracket.rungs, first.bracket.sizes) == ((1, 2, 4), (4, 2, 1))
    curves = [[0.9, 0.1, 0.1, 0.1], [0.5, 0.7, 0.7, 0.2], [0.6, 0.4, 0.4, 0.3], [0.8] * 4]
    runs = stored(tmp_path / "runs", side, curves)
    going = []
    while side.climbing:
        side.climb(runs)
        going.append(first.going)
    assert going == [{1, 2}, {2}, {2}]
    side.tell(runs)
    # All runs are complete, as other searches may have asked for: these trials were pruned.
    assert [one.status for one in side.outcomes] == ["pruned", "pruned", "completed", "pruned"]
    assert [one.value for one in side.outcomes] == [0.9, 0.7, 0.3, 0.8]
    assert [one.epochs for one in side.outcomes] == [1, 2, 4, 1]
    best = side.best()
    assert best is not None
    assert best.number == 2
    assert side.contender(best).selected == side.settings[2].setting_hash


def test_a_trial_that_another_process_trains_ends_the_search(tmp_path: Path) -> None:
    side = asked(tmp_path, HALVING)
    with pytest.raises(StoreError, match="trial 1 of adam is not finished: another process"):
        side.climb({})


def test_trials_that_all_fail_end_the_search_with_the_first_ones_reason(tmp_path: Path) -> None:
    side = asked(tmp_path, {"trials": 2, "sampler": "random"})
    failed = {"status": "failed", "reason": "ValueError: no luck"}
    runs = stored(tmp_path / "runs", side, [[], []], **failed)
    side.climb(runs)
    with pytest.raises(TrialsFailedError, match="all 2 trials of adam failed, the first with Val"):
        side.tell(runs)
    assert side.best() is None


def test_a_budget_that_is_used_up_asks_for_nothing_more(tmp_path: Path) -> None:
    side = asked(tmp_path, {"trials": 2, "sampler": "random"})
    assert side.is_going
    side.tell(stored(tmp_path / "runs", side, [[0.5] * 4, [0.4] * 4]))
    assert not side.is_going
    assert [trial.number for trial in side.trials] == [0, 1]
