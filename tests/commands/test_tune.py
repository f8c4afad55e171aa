"""`optbench tune`, from the file to the comparison."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import optuna
import pytest
from experiments import (
    TINY,
    Outcome,
    command,
    make_runs,
    snapshot,
    write_experiment,
    write_plugin,
)

from optbench.analysis.trials import outcomes
from optbench.catalog.search import load_search
from optbench.commands.screen import Screen
from optbench.commands.searching import Stage
from optbench.commands.training import Trained
from optbench.errors import StreamError
from optbench.execution.plan import Plan
from optbench.execution.study import Options
from optbench.store.scan import scan
from optbench.store.tuning import Study, read_study
from optbench.training.events import Unbegun
from optbench.tuning.export import opened

if TYPE_CHECKING:
    from pathlib import Path

ADAM = {"name": "adam", "lr": {"loguniform": [1e-4, 1e-1]}}
SGD = {"name": "sgd", "lr": {"loguniform": [1e-3, 1]}, "momentum": {"grid": [0, 0.9]}}
TUNING = {"trials": 4, "sampler": "random"}


def write(folder: Path, **parts: Any) -> Path:
    told: dict[str, Any] = {"optimizer": [ADAM, SGD], "seeds": 2, "tuning": TUNING} | parts
    return write_experiment(folder, **told)


def tune(folder: Path, *options: str, **parts: Any) -> Outcome:
    path = write(folder, **parts)
    return command("tune", path, "--runs-dir", folder / "runs", *options)


def study(folder: Path) -> Study:
    return read_study(folder / "runs" / "tiny.tuning")


def found_lines(outcome: Outcome) -> str:
    """What a search says that it has found."""
    return outcome.out.partition("Best by")[2].partition("\n\n")[0]


def metrics(folder: Path) -> dict[str, bytes]:
    files = sorted((folder / "runs").glob("*/*/metrics.csv"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_every_optimizer_gets_the_same_trials_epochs_and_seeds(tmp_path: Path) -> None:
    outcome = tune(tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    found = study(tmp_path)
    runs = scan(tmp_path / "runs" / "tiny.tuning").runs
    for tried in outcomes(found, runs).values():
        assert [one.status for one in tried] == ["completed"] * 4
        assert sum(one.epochs for one in tried) == 4 * 3  # trials × epochs
    assert {run.result.seed for run in runs} == {1_000_000}
    assert len(runs) == 8


def test_the_best_by_validation_is_trained_on_the_reporting_seeds_beside_the_default(
    tmp_path: Path,
) -> None:
    outcome = tune(tmp_path)
    found = study(tmp_path)
    reported = {run.result.setting for run in scan(tmp_path / "runs").runs}
    for contender in found.contenders:
        folder = tmp_path / "runs" / "tiny.tuning"
        losses = {
            trial.number: scan(folder).runs[index].rows[-1]["val_loss"]
            for trial in contender.trials
            for index, run in enumerate(scan(folder).runs)
            if run.result.run == trial.runs[0]
        }
        assert contender.best == min(losses, key=lambda number: losses[number] or 0)
        assert f"trial {contender.best + 1} of 4" in found_lines(outcome)
        assert {contender.selected, contender.default} <= reported
    seeds = {run.result.seed for run in scan(tmp_path / "runs").runs}
    assert seeds == {0, 1}
    assert "Best by validation loss:" in outcome.out
    assert f"{tmp_path / 'runs' / 'tiny'}, {tmp_path / 'runs' / 'tiny.tuning'}" in outcome.out


def test_the_second_time_it_trains_nothing_and_changes_no_file(tmp_path: Path) -> None:
    first = tune(tmp_path)
    before = {name: content for name, (content, _) in snapshot(tmp_path / "runs").items()}
    second = tune(tmp_path)
    after = {name: content for name, (content, _) in snapshot(tmp_path / "runs").items()}
    assert before == after
    assert second.code == 0
    assert "done." not in second.out  # no batch was trained
    assert "8 runs are finished already; nothing to train.\n" in second.out
    assert "earlier" not in second.out
    assert first.out.endswith(second.out[second.out.index("Runs:") :])


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_more_trials_go_on_from_those_that_are_there(tmp_path: Path, sampler: str) -> None:
    options = ("--sampler", sampler, "--quiet")
    tune(tmp_path, "--trials", "11", *options, optimizer=ADAM)
    first = metrics(tmp_path)
    tune(tmp_path, "--trials", "13", *options, optimizer=ADAM)
    assert first.items() <= metrics(tmp_path).items()
    (adam,) = study(tmp_path).contenders
    assert len(adam.trials) == 13


def test_json_is_a_line_a_run_of_both_parts(tmp_path: Path) -> None:
    outcome = tune(tmp_path, "--json")
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    assert [line["experiment"] for line in lines].count("tiny.tuning") == 8
    assert {line["experiment"] for line in lines} == {"tiny.tuning", "tiny"}
    assert len({line["run"] for line in lines}) == len(lines)
    assert "Best by" in outcome.err
    again = [json.loads(line) for line in tune(tmp_path, "--json").out.splitlines()]
    assert {line["run"] for line in again} == {line["run"] for line in lines}
    assert len(again) == len(lines)


def test_a_dry_run_shows_the_search_and_makes_nothing(tmp_path: Path) -> None:
    outcome = tune(tmp_path, "--dry-run")
    assert (outcome.code, outcome.err) == (0, "")
    assert "4 trials each of 3 epochs, on\nseed 1000000." in outcome.out
    assert "lr 0.0001 to 0.1 (log)" in outcome.out
    assert "The first batch: 8 runs, 0 finished already. All trials: about " in outcome.out
    assert not (tmp_path / "runs").exists()


def test_quiet_prints_nothing(tmp_path: Path) -> None:
    assert tune(tmp_path, "--quiet") == Outcome(0, "", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--trials", "0"), "--trials: must be from 1 to 100,000, got 0"),
        (("--sampler", "bayes"), "--sampler: must be one of tpe, random, gp, cmaes, grid, got 'ba"),
        (("--pruner", "hyperbnd"), "did you mean 'hyperband'?"),
        (("--set", "dataset.validation=0"), "a search needs a validation part"),
        (("--set", "tuning.seeds=[0]"), "must not be among the seeds that are reported, got 0"),
        (("--seeds", "1000000,5"), "must not be among the seeds that are reported, got 1000000"),
        (("--set", "optimizer=[adam,sgd]"), "there is nothing to search"),
        (("--sampler", "grid"), "adam lr is a range; write {grid: […]}"),
        (("--export-study", "study.db"), "write a URL: sqlite:///study.db"),
    ],
)
def test_bad_input_is_one_error_and_trains_nothing(
    tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    outcome = tune(tmp_path, *options)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.out == ""
    assert not (tmp_path / "runs").exists()


def test_without_optuna_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    outcome = tune(tmp_path)
    assert (outcome.code, outcome.out) == (2, "")
    assert "pip install 'optbench[tune]'" in outcome.err
    assert not (tmp_path / "runs").exists()


def test_run_points_to_tune_where_values_are_ranges(tmp_path: Path) -> None:
    path = write(tmp_path)
    outcome = command("run", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 2
    assert f"optbench tune {path}" in outcome.err


GRIDS = [
    {"name": "adam", "lr": {"logspace": [1e-4, 1e-1, 4]}},
    {"name": "sgd", "lr": {"grid": [0.01, 0.1]}},
]


def test_grids_of_unlike_sizes_need_a_number_of_trials_that_all_have(tmp_path: Path) -> None:
    grid = {"tuning": {"sampler": "grid"}, "optimizer": GRIDS}
    assert "unlike numbers of points (adam 4, sgd 2)" in tune(tmp_path, **grid).err
    assert "--trials 2, more points" in tune(tmp_path, "--trials", "3", **grid).err
    assert tune(tmp_path, "--trials", "2", "--quiet", **grid).code == 0
    assert [len(one.trials) for one in study(tmp_path).contenders] == [2, 2]


def test_a_diverged_trial_is_the_worst_and_is_counted(tmp_path: Path) -> None:
    wild = {"name": "sgd", "lr": {"grid": [0.1, 1e30]}}
    outcome = tune(tmp_path, optimizer=wild, tuning={"sampler": "grid"})
    assert outcome.code == 0
    assert "lr=0.1" in outcome.out
    assert "of 2, 1 diverged" in outcome.out


def test_trials_that_all_diverge_at_once_use_the_budget_up_and_leave_the_default(
    tmp_path: Path,
) -> None:
    wild = {"name": "sgd", "lr": {"loguniform": [1e25, 1e30]}}
    outcome = tune(tmp_path, optimizer=wild, tuning=TUNING | {"pruner": "median"})
    assert outcome.code == 0
    assert "no trial came to its end" in outcome.out
    (sgd,) = study(tmp_path).contenders
    assert (sgd.best, sgd.selected) == (None, None)
    assert 4 <= len(sgd.trials) <= 4 * 3  # one whole trial each, or one epoch
    assert {run.result.setting for run in scan(tmp_path / "runs").runs} == {sgd.default}


def test_a_trial_that_is_pruned_is_so_even_if_its_run_is_complete_from_another_search(
    tmp_path: Path,
) -> None:
    parts: dict[str, Any] = {"optimizer": ADAM, "training": TINY["training"] | {"epochs": 4}}
    pruned = TUNING | {"pruner": {"name": "hyperband", "reduction": 2}}
    fresh, after = tmp_path / "fresh", tmp_path / "after"
    fresh.mkdir()
    after.mkdir()
    expected = found_lines(tune(fresh, **parts, tuning=pruned))
    assert " pruned" in expected
    tune(after, "--quiet", **parts, tuning=TUNING | {"trials": 9})
    assert found_lines(tune(after, **parts, tuning=pruned)) == expected
    assert study(after).contenders == study(fresh).contenders


FAILS = """
import torch

class Fails(torch.optim.SGD):
    def step(self, closure=None):
        raise ValueError("no luck")
"""


def test_an_optimizer_whose_every_trial_fails_ends_the_search_and_loses_nothing(
    tmp_path: Path,
) -> None:
    write_plugin(tmp_path, FAILS)
    broken = {"name": "./plugin.py:Fails", "lr": {"loguniform": [1e-3, 1]}}
    outcome = tune(tmp_path, optimizer=[broken, ADAM])
    assert outcome.code == 3
    assert "all 4 trials of Fails failed, the first with ValueError: no luck" in outcome.err
    statuses = [run.status for run in scan(tmp_path / "runs" / "tiny.tuning").runs]
    assert sorted(statuses) == ["completed"] * 4 + ["failed"] * 4


def test_the_export_is_a_study_an_optimizer_with_the_values_of_every_epoch(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    assert tune(tmp_path, "--export-study", url, "--quiet").code == 0
    assert tune(tmp_path, "--export-study", url, "--quiet").code == 0  # in its own place
    sgd = study(tmp_path).contenders[1]
    runs = {run.result.run: run for run in scan(tmp_path / "runs" / "tiny.tuning").runs}
    with opened(optuna, url) as storage:
        assert sorted(optuna.get_all_study_names(storage)) == ["tiny adam", "tiny sgd"]
        written = optuna.load_study(study_name="tiny sgd", storage=storage)
        assert written.best_trial.number == sgd.best
        trials = written.trials
    for trial, ours in zip(trials, sgd.trials, strict=True):
        rows = runs[ours.runs[0]].rows
        assert trial.params == ours.values
        assert trial.value == rows[-1]["val_loss"]
        assert trial.intermediate_values == {epoch: rows[epoch]["val_loss"] for epoch in (1, 2, 3)}


def test_a_study_that_is_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    with opened(optuna, url) as storage:
        optuna.create_study(study_name="tiny adam", storage=storage)
    outcome = tune(tmp_path, "--export-study", url)
    assert outcome.code == 2
    assert "'tiny adam' that is not optbench's" in outcome.err


def test_a_best_at_the_end_of_its_space_is_named_and_the_space_is_widened(tmp_path: Path) -> None:
    low = {"name": "sgd", "lr": {"loguniform": [1e-6, 1e-5]}}  # far below what is good
    low_search = {
        "optimizer": low,
        "tuning": {"trials": 9, "sampler": {"name": "random", "seed": 6}},
    }
    plain = tune(tmp_path, **low_search)
    assert "sgd: the best lr, " in plain.out
    assert "is at the upper end of 1e-06 to 1e-05 (log)." in plain.out
    assert "--extend widens these spaces" in plain.out
    wider = tune(tmp_path, "--extend", **low_search)
    assert wider.code == 0
    found = study(tmp_path)
    assert found.round >= 1
    (dimension,) = found.contenders[0].dimensions
    assert dimension.low == 1e-6
    assert (dimension.high or 0) > 1e-5
    assert len(found.contenders[0].trials) == 9  # the budget is that of one search


def test_the_search_that_is_loaded_is_the_one_that_is_recorded(tmp_path: Path) -> None:
    tune(tmp_path, "--quiet")
    searched = load_search(write(tmp_path))
    found = study(tmp_path)
    assert [one.dimensions for one in found.contenders] == [
        one.dimensions for one in searched.contenders
    ]
    assert (found.trials, found.epochs, found.reporting_seeds) == (4, 3, (0, 1))


def test_a_search_ends_where_its_data_are_others_by_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = make_runs(tmp_path)
    told = Trained(unbegun=[Unbegun(run, tmp_path, "x_train.npy has changed")])
    monkeypatch.setattr("optbench.commands.searching.train", lambda *_, **__: told)
    stage = Stage(Options(runs_dir=tmp_path), Screen(io.StringIO(), 80, colour=False))
    with stage, pytest.raises(StreamError, match=r"x_train\.npy has changed"):
        stage.carry_out(Plan((), (), force=False))
