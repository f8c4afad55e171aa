from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from experiments import command
from stored_runs import ADAM, load, write_seeds
from stored_searches import BETA, LR, Tried, write_search

if TYPE_CHECKING:
    from pathlib import Path


def trials(first: float, accuracy: float) -> list[Tried]:
    """Forty whose loss rises and whose accuracy falls from trial to trial."""
    found: list[Tried] = []
    for number in range(40):
        values = {"lr": 10 ** (-1 - number / 10), "betas[1]": 0.9 + (number * 7 % 40) / 1000}
        found.append((values, first + number / 100, accuracy - number / 1000, "completed"))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    spaces = {"adam": [LR, BETA], "sgd": [LR, BETA]}
    tried = {"adam": trials(0.1, 0.95), "sgd": trials(0.3, 0.85)}
    tried["sgd"][39] = (*tried["sgd"][39][:3], "diverged")
    return write_search(tmp_path, tried, spaces)


def told(folder: Path, *words: str) -> str:
    outcome = command("compare", folder, *words)
    assert outcome.code == 0, outcome.err
    return " ".join(outcome.out.split())


def test_budget_best_trials_curves_and_importances_are_told(folder: Path) -> None:
    pytest.importorskip("optuna")
    text = told(folder)
    assert "Searched: 40 random trials each, 2 epochs a trial, for the best validation loss" in text
    assert (
        "sgd's best is trial 1 of 40: lr=0.1, betas[1]=0.9, with a validation loss of 0.300; "
        "1 of 40 diverged."
    ) in text
    # All forty: the best trial's own accuracy.
    assert "; of 40 trials: 95% with adam and 85% with sgd." in text
    assert (
        "The curves of adam and sgd do not cross: adam is ahead; adam is the better for certain "
        "with 1 to 10 trials (95% band)."
    ) in text
    assert "Share of importance for being in the best quarter: adam lr" in text


def test_without_optuna_one_line_says_what_is_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optbench.report.search_results.has_optuna", lambda: False)
    text = told(folder)
    assert text.count("Parameter importances need Optuna: pip install 'optbench[tune]'.") == 1


def test_what_was_chosen_is_judged_against_the_default_on_other_seeds(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.95 + seed / 1000 for seed in range(8)], optimizer=ADAM | {"lr": 0.003})
    write_seeds(tmp_path, [0.90 + seed / 1000 for seed in range(8)], optimizer=ADAM)
    lr = {run.result.config["optimizer"]["lr"]: run.result.setting for run in load(tmp_path)}
    settings = {"adam": (lr[0.003], lr[0.001])}
    write_search(tmp_path, {"adam": trials(0.1, 0.9)}, {"adam": [LR, BETA]}, settings)
    # Eight of eight pairs are better by exactly five points: p = 2/2^8 by permutation.
    assert (
        "tuned adam's test accuracy is better than default adam's: +5.0 points (5.0 to 5.0, "
        "p = .008; better in 8 of 8 seeds"
    ) in told(tmp_path)


def test_json_has_trials_curves_and_duels(folder: Path) -> None:
    (found,) = json.loads(told(folder, "--format", "json"))["searches"]
    adam, sgd = found["contenders"]
    assert (found["sampler"], adam["best"], len(adam["trials"])) == ("random", 0, 40)
    assert sgd["trials"][39]["status"] == "diverged"
    assert sgd["trials"][39]["objective"] is None  # infinite, which strict JSON has no word for
    assert [point["k"] for point in adam["curve"]] == list(range(1, 41))
    assert found["duels"][0]["better_with"] == [1, 10]


def test_a_search_that_can_not_be_read_is_left_out(folder: Path) -> None:
    (folder / "tuning.json").write_text("{")
    assert "Searched" not in told(folder)


def test_what_few_trials_are_worth_agrees_with_the_place_of_the_best(tmp_path: Path) -> None:
    losses = (0.5, 0.1, *(0.6 + number / 10 for number in range(4)))
    tried = [({"lr": 0.1 / (n + 1)}, loss, 1 - loss, "completed") for n, loss in enumerate(losses)]
    text = told(write_search(tmp_path, {"adam": tried}, {"adam": [LR]}, sampler="tpe"))
    assert "adam's best is trial 2 of 6: lr=0.05, with a validation loss of 0.100." in text
    # In their order: the first has 50%, the second 90%, the others less.
    assert (
        "Test accuracy of the best after 1 trial 50% with adam; after 6 trials 90% with adam."
    ) in text
