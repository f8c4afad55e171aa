"""`optbench validate`: every mistake at once, and warnings of claims that can't be decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments import TINY, command, write_experiment

if TYPE_CHECKING:
    from pathlib import Path

TWO = [TINY["optimizer"], {"name": "sgd", "lr": 0.1}]
CLAIM = {
    "metric": "train_loss",
    "setting": {"optimizer": "adam"},
    "better_than": {"optimizer": "sgd"},
}


def test_a_claim_that_its_seeds_cannot_decide_is_a_warning_and_no_error(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, optimizer=TWO, seeds=5, expect=[CLAIM])
    outcome = command("validate", path)
    assert outcome.code == 0
    line = f"{path}: valid, 10 runs (2 settings × 5 seeds), 1 claim\n"
    assert outcome.out.startswith(line)
    first = outcome.err.splitlines()[0]
    rule = "warning: 5 pairs cannot reach a verdict, 6 can"
    assert first == f"{path}:1: expect[0].better_than: {rule}"


def test_seeds_set_for_this_command_count(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, optimizer=TWO, seeds=5, expect=[CLAIM])
    assert command("validate", path, "--set", "seeds=6").err == ""


def test_a_claim_about_settings_that_set_took_away_is_not_warned_of(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, optimizer=TWO, seeds=6, expect=[CLAIM])
    assert command("validate", path, "--set", "optimizer=rmsprop").code == 0


def test_the_mistakes_of_all_files_are_told_beside_what_is_valid(tmp_path: Path) -> None:
    fine = write_experiment(tmp_path, "fine")
    bad = [
        write_experiment(tmp_path, "one", model="mpl"),
        write_experiment(tmp_path, "two", seeds=0),
    ]
    outcome = command("validate", bad[0], fine, bad[1])
    assert outcome.code == 2
    assert outcome.out.startswith(f"{fine}: valid, ")
    for path in bad:
        assert f"{path}:1: " in outcome.err


def test_run_tells_the_mistakes_of_all_files_too(tmp_path: Path) -> None:
    bad = [
        write_experiment(tmp_path, "one", model="mpl"),
        write_experiment(tmp_path, "two", seeds=0),
    ]
    outcome = command("run", *bad, "--runs-dir", tmp_path / "runs")
    assert (outcome.code, outcome.out) == (2, "")
    for path in bad:
        assert f"{path}:1: " in outcome.err


def test_what_is_not_looked_at_is_named_with_the_command_that_does(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, model="cnn", dataset={"name": "modular-addition"})
    outcome = command("validate", path)
    assert outcome.code == 0
    assert "model and data fit is not looked at here: `optbench run --dry-run`" in outcome.out
    assert command("run", path, "--dry-run", "--runs-dir", tmp_path / "runs").code == 2
