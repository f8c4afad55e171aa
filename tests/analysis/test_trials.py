from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from stored_runs import digest, make_rows, write_run

from optbench.analysis.trials import Outcome, best, outcomes
from optbench.store.scan import scan
from optbench.store.tuning import Contender, Study, Trial

if TYPE_CHECKING:
    from pathlib import Path


NAME = "tuned.tuning"


def searched(root: Path, *trials: list[dict[str, Any]], objective: str = "val_loss") -> Study:
    """A search whose trials have a run for each description."""
    tried = []
    for number, descriptions in enumerate(trials):
        hashes = []
        for seed, told in enumerate(descriptions):
            losses = told.pop("val_loss", [2.3, 0.5])
            rows = make_rows([0.1, *(1 - loss for loss in losses[1:])], val_loss=losses)
            optimizer = {"name": "adam", "lr": 10.0**-number}
            path = write_run(root, rows, experiment=NAME, seed=seed, optimizer=optimizer, **told)
            hashes.append(scan(path).runs[0].result.run)
        tried.append(Trial(number, {"lr": 10.0**-number}, tuple(hashes)))
    return Study(
        experiment="tuned",
        file="tuned.yaml",
        objective=objective,
        sampler="random",
        sampler_seed=0,
        batch=None,
        pruner="none",
        trials=len(trials),
        epochs=1,
        seeds=(0, 1),
        reporting_seeds=(2,),
        round=0,
        contenders=(Contender("adam", (), tuple(tried)),),
    )


def found(root: Path, study: Study) -> tuple[Outcome, ...]:
    return outcomes(study, scan(root / NAME).runs)["adam"]


def test_a_trial_is_worth_the_mean_over_its_seeds_of_the_last_validation_value(
    tmp_path: Path,
) -> None:
    study = searched(
        tmp_path,
        [{"val_loss": [2.3, 0.1, 0.4]}, {"val_loss": [2.3, 0.9, 0.2]}],
        [{"val_loss": [2.3, 0.2, 0.25]}, {"val_loss": [2.3, 0.2, 0.25]}],
    )
    first, second = found(tmp_path, study)
    assert [first.value, second.value] == [pytest.approx(0.3), 0.25]
    assert first.epochs == 4
    assert best((first, second), "val_loss") is second


def test_accuracy_is_the_better_the_higher(tmp_path: Path) -> None:
    study = searched(
        tmp_path, [{"val_loss": [2.3, 0.4]}], [{"val_loss": [2.3, 0.2]}], objective="val_accuracy"
    )
    tried = found(tmp_path, study)
    assert [one.value for one in tried] == [pytest.approx(0.6), pytest.approx(0.8)]
    assert best(tried, "val_accuracy") is tried[1]


def test_a_trial_that_diverged_at_one_seed_is_the_worst_and_never_the_best(tmp_path: Path) -> None:
    study = searched(tmp_path, [{}, {"status": "diverged"}], [{"val_loss": [2.3, 9.0]}])
    diverged, poor = found(tmp_path, study)
    assert (diverged.status, diverged.value) == ("diverged", math.inf)
    assert best((diverged, poor), "val_loss") is poor
    assert best((diverged,), "val_loss") is None


def test_a_pruned_trial_has_a_value_and_its_epochs_and_is_not_chosen(tmp_path: Path) -> None:
    study = searched(
        tmp_path, [{"val_loss": [2.3, 0.1], "status": "pruned"}], [{"val_loss": [2.3, 0.5, 0.4]}]
    )
    pruned, whole = found(tmp_path, study)
    assert (pruned.status, pruned.value, pruned.epochs) == ("pruned", 0.1, 1)
    assert best((pruned, whole), "val_loss") is whole


def test_failed_interrupted_and_missing_trials_have_no_value(tmp_path: Path) -> None:
    study = searched(tmp_path, [{"status": "failed"}], [{"status": "interrupted"}])
    (contender,) = study.contenders
    lost = Trial(2, {"lr": 1.0}, (digest("gone"),))
    runs = scan(tmp_path / NAME).runs
    complete = Study(
        **{**vars(study), "contenders": (Contender("adam", (), (*contender.trials, lost)),)}
    )
    tried = outcomes(complete, runs)["adam"]
    assert [(one.status, one.value) for one in tried] == [
        ("failed", None),
        ("missing", None),
        ("missing", None),
    ]


def test_of_equal_trials_the_first_is_the_best(tmp_path: Path) -> None:
    study = searched(tmp_path, [{}], [{}])
    tried = found(tmp_path, study)
    assert best(reversed(tried), "val_loss") is tried[0]
