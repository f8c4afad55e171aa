"""Columns that an experiment asks for, compared, claimed about and searched by."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from experiments import command, write_experiment
from stored_runs import ADAM, SGD, make_rows, write_run

from optbench.analysis.metric import Metric

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.store.metrics import Row

SEEDS = range(8)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Eight seeds of Adam and SGD: Adam has the higher macro F1, and the higher error."""
    for optimizer, level in ((ADAM, 0.8), (SGD, 0.6)):
        for seed in SEEDS:
            rows: list[Row] = make_rows([0.1, 0.9])
            for row in rows:
                row["test_macro_f1"] = level + seed / 1000
                row["test_mean_absolute_error"] = level + seed / 500
            write_run(tmp_path, rows, optimizer=optimizer, seed=seed)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "higher"),
    [
        ("test_macro_f1", True),
        ("val_MacroRecall", True),
        ("test_top_5_accuracy", True),
        ("test_accuracy", True),
        ("test_mean_absolute_error", False),
        ("val_hinge_loss", False),
        ("val_loss", False),
        ("distance", False),
    ],
)
def test_the_name_says_which_direction_is_better(name: str, higher: bool) -> None:
    assert Metric(name).higher_is_better is higher


@pytest.mark.parametrize(
    ("metric", "decision", "difference"),
    [("test_macro_f1", "better", 0.2), ("test_mean_absolute_error", "worse", 0.2)],
)
def test_settings_are_judged_by_it(
    runs: Path, metric: str, decision: str, difference: float
) -> None:
    found = command("compare", runs, "--metric", metric, "--format", "json")
    (problem,) = json.loads(found.out)["problems"]
    adam = next(row for row in problem["settings"] if row["optimizer"] == "adam")
    assert adam["difference"]["mean"] == pytest.approx(difference)
    assert adam["verdict"]["decision"] == decision
    told = json.loads(found.out)["problems"][0]
    assert told["higher_is_better"] is (metric == "test_macro_f1")


def test_every_column_is_in_tables_for_programs_and_can_be_sorted_by(runs: Path) -> None:
    text = command("compare", runs, "--format", "csv", "--sort-by", "test_macro_f1").out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["optimizer"] for row in rows] == ["adam", "sgd"]
    assert float(rows[0]["test_macro_f1"]) == pytest.approx(0.8035)
    assert float(rows[1]["test_mean_absolute_error_high"]) > 0.607
    seeds = command("compare", runs, "--format", "csv", "--all-seeds").out
    assert {row["test_macro_f1"] for row in csv.DictReader(io.StringIO(seeds))} >= {"0.8", "0.601"}
    shown = command("compare", runs, "--all-columns").out
    assert "macro f1" in " ".join(shown.split())


def test_one_that_no_run_has_is_refused_with_the_nearest(runs: Path) -> None:
    outcome = command("compare", runs, "--metric", "test_macro_f2")
    assert outcome.code == 2
    assert "--metric test_macro_f2 is in no run; did you mean 'test_macro_f1'?" in outcome.err
    unsplit = command("compare", runs, "--metric", "macro_f1").err
    assert "--metric must be one of" in unsplit
    assert "did you mean 'test_macro_f1'?" in unsplit
    own = command("compare", runs, "--metric", "recall_at_3").err
    assert "asks for is called test_recall_at_3 or val_recall_at_3" in own


PARTS: dict[str, Any] = {
    "dataset": {"name": "synthetic", "train": 75, "test": 30, "features": 6, "validation": 15},
    "training": {"epochs": 3, "metrics": ["macro_f1"]},
}


def test_claims_may_be_about_it(tmp_path: Path) -> None:
    optimizers = [{"name": "sgd", "lr": 0.5}, {"name": "adam", "lr": 1e-6}]
    claims: list[dict[str, Any]] = [
        {"metric": "test_macro_f1", "setting": {"optimizer": "sgd"}, "at_least": 0.1},
        {
            "metric": "val_macro_f1",
            "setting": {"optimizer": "sgd"},
            "better_than": {"optimizer": "adam"},
        },
    ]
    path = write_experiment(tmp_path, optimizer=optimizers, seeds=8, expect=claims, **PARTS)
    outcome = command("verify", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 0, outcome.out + outcome.err
    assert "2 claims, 2 as expected" in outcome.out
    claims[0]["metric"] = "test_macro_f2"
    path = write_experiment(tmp_path, optimizer=optimizers, expect=claims, **PARTS)
    assert "did you mean 'test_macro_f1'?" in command("validate", path).err


def test_a_search_may_go_by_it(tmp_path: Path) -> None:
    """The trial that is chosen has the largest mean of the column over its seeds."""
    pytest.importorskip("optuna")
    optimizers = [{"name": "sgd", "lr": {"loguniform": [1e-5, 1.0]}}]
    tuning = {"trials": 6, "sampler": "random", "objective": "val_macro_f1"}
    path = write_experiment(tmp_path, optimizer=optimizers, tuning=tuning, **PARTS)
    outcome = command("tune", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 0, outcome.out + outcome.err
    (study,) = (tmp_path / "runs").rglob("tuning.json")
    told = json.loads(study.read_bytes())
    assert told["objective"] == "val_macro_f1"
    (contender,) = told["contenders"]
    stored = [json.loads(path.read_bytes()) for path in (tmp_path / "runs").rglob("result.json")]
    last = {result["run"]: result["last"]["val_macro_f1"] for result in stored}
    values = {trial["number"]: last[trial["runs"][0]] for trial in contender["trials"]}
    assert values[contender["best"]] == max(values.values()) > min(values.values())


def test_a_search_by_a_column_that_is_not_asked_for_is_refused(tmp_path: Path) -> None:
    tuning = {"objective": "val_macro_f2"}
    path = write_experiment(tmp_path, tuning=tuning, **PARTS)
    shown = " ".join(command("validate", path).err.split())
    assert (
        "tuning.objective: must be one of val_loss, val_accuracy, val_macro_f1, got "
        "'val_macro_f2' did you mean 'val_macro_f1'?" in shown
    )
