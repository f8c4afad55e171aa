from __future__ import annotations

import fcntl
import json
from typing import TYPE_CHECKING

import pytest
from experiments import command, only_directory, write_experiment
from stored_runs import SGD, make_rows, write_run

if TYPE_CHECKING:
    from pathlib import Path

ROWS = make_rows([0.1, 0.9])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A completed run, a diverged one, and one that was killed, of two optimizers."""
    write_run(tmp_path, ROWS)
    write_run(tmp_path, ROWS, seed=1, status="running")
    write_run(tmp_path, ROWS, optimizer=SGD, status="diverged")
    return tmp_path


def statuses(store: Path, *arguments: str) -> list[str]:
    outcome = command("runs", "list", "--runs-dir", store, "--format", "json", *arguments)
    assert (outcome.code, outcome.err) == (0, "")
    return [row["status"] for row in json.loads(outcome.out)["rows"]]


def test_runs_are_filtered_by_status_and_by_what_they_have(store: Path) -> None:
    assert statuses(store) == ["interrupted", "diverged", "completed"]
    assert statuses(store, "--status", "diverged,completed") == ["diverged", "completed"]
    assert statuses(store, "--status", "failed") == []
    assert statuses(store, "--where", "optimizer=adam") == ["interrupted", "completed"]
    assert statuses(store, "--where", "optimizer=adam", "--status", "completed") == ["completed"]


def test_the_folder_is_an_argument_as_of_the_other_commands_about_runs(store: Path) -> None:
    outcome = command("runs", "list", store)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == command("runs", "list", "--runs-dir", store).out
    assert outcome.out.startswith("3 runs: ")


def test_no_run_is_no_error(store: Path) -> None:
    outcome = command("runs", "list", "--runs-dir", store, "--status", "failed")
    assert (outcome.code, outcome.out.strip()) == (0, "0 runs")


def test_an_unknown_status_is_refused_with_the_nearest(store: Path) -> None:
    outcome = command("runs", "list", "--runs-dir", store, "--status", "complete")
    assert (outcome.code, outcome.out) == (2, "")
    assert "no status 'complete'; did you mean 'completed'?" in outcome.err


def test_a_run_in_training_is_running_while_its_lock_is_held(store: Path) -> None:
    (directory,) = store.glob("*/adam-s1-*")
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert statuses(store) == ["running", "diverged", "completed"]


def test_a_damaged_run_is_named_and_an_unfinished_one_listed_only_once(store: Path) -> None:
    (directory,) = store.glob("*/sgd-*")
    (directory / "result.json").write_text("{", encoding="utf-8")
    outcome = command("runs", "list", "--runs-dir", store)
    assert "2 runs: 1 interrupted, 1 completed" in outcome.out
    assert outcome.err.count("\n") == 1
    assert f"{directory}: damaged" in outcome.err


def test_the_command_of_a_runs_page_repeats_the_run_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("run", write_experiment(tmp_path), "--quiet").code == 0
    page = command("runs", "show", "adam").out
    (line,) = [line for line in page.splitlines() if line.startswith("  repeat ")]
    arguments = line.split()[2:]
    assert command(*arguments, "--quiet").code == 0
    first, again = only_directory(tmp_path / "runs"), only_directory(tmp_path / "repeated")
    assert (first / "metrics.csv").read_bytes() == (again / "metrics.csv").read_bytes()
