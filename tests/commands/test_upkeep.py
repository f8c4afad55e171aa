"""`optbench runs repair`, `prune` and `retry` on what real kills, damage and failures leave."""

from __future__ import annotations

import json
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from experiments import (
    Child,
    Outcome,
    command,
    only_directory,
    signal_at,
    status_of,
    write_experiment,
    write_plugin,
)

from optbench.store.lock import RunLock

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "optbench.store.rundir:RunDirectory.write_progress"  # after the checkpoint


def train(folder: Path, *arguments: str, **parts: Any) -> Path:
    """Train a tiny experiment and return its store."""
    path = write_experiment(folder, **parts)
    outcome = command("run", path, "--runs-dir", folder / "runs", "--quiet", *arguments)
    assert outcome.code in (0, 3), outcome.err
    return folder / "runs"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return bytes_of(only_directory(train(tmp_path_factory.mktemp("whole"))))


def bytes_of(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in ("metrics.csv", "weights.pt")}


def killed(folder: Path, call: int) -> Path:
    """A run whose process was killed between its checkpoint and the files beside it."""
    path = write_experiment(folder)
    prepare = partial(signal_at, COMMIT, call, signal.SIGKILL)
    with Child("run", str(path), "--runs-dir", "runs", cwd=folder, prepare=prepare) as child:
        assert child.wait() == -signal.SIGKILL
    return only_directory(folder / "runs")


def repaired(store: Path, *arguments: str) -> Outcome:
    return command("runs", "repair", store, *arguments)


def test_a_store_that_is_whole_is_left_as_it_is(tmp_path: Path) -> None:
    store = train(tmp_path)
    outcome = repaired(store)
    assert (outcome.code, outcome.out) == (0, "Every run is whole.\n")


def test_a_killed_run_gets_the_rows_of_its_checkpoint_and_goes_on_to_the_same_bytes(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    directory = killed(tmp_path, call=3)  # the first is the beginning, then one an epoch
    assert status_of(directory) == "running"
    before = (directory / "metrics.csv").read_bytes()
    outcome = repaired(tmp_path / "runs")
    assert outcome.code == 0
    assert "its process is gone; it goes on after epoch 2" in " ".join(outcome.out.split())
    assert status_of(directory) == "interrupted"
    rows = (directory / "metrics.csv").read_bytes()
    assert whole["metrics.csv"].startswith(rows)
    assert (before.count(b"\n"), rows.count(b"\n")) == (3, 4)
    train(tmp_path)
    assert bytes_of(directory) == whole


def test_damaged_rows_of_an_unfinished_run_are_written_again(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    directory = killed(tmp_path, call=3)
    repaired(tmp_path / "runs")
    good = (directory / "metrics.csv").read_bytes()
    (directory / "metrics.csv").write_bytes(good.replace(b"1", b"2"))
    (directory / "checkpoint.pt").write_bytes(b"rot")
    outcome = repaired(tmp_path / "runs")
    assert outcome.code == 0
    assert "checkpoint.pt is damaged; it goes on after epoch 1" in " ".join(outcome.out.split())
    assert good.startswith((directory / "metrics.csv").read_bytes())
    again = repaired(tmp_path / "runs")  # all else is whole by now
    assert again.code == 0
    told = f"{directory}: checkpoint.pt is damaged; it goes on after epoch 1"
    assert " ".join(again.out.split()) == " ".join(told.split())
    (directory / "checkpoint.prev.pt").write_bytes(b"rot")
    assert "it will start over" in repaired(tmp_path / "runs").out


@pytest.mark.parametrize("content", [b"", b"{", b'{"schema": 1}'])
def test_an_unreadable_result_of_an_unfinished_run_is_written_again(
    tmp_path: Path, whole: dict[str, bytes], content: bytes
) -> None:
    directory = killed(tmp_path, call=3)
    (directory / "result.json").write_bytes(content)
    outcome = repaired(tmp_path / "runs")
    assert outcome.code == 0
    assert "it goes on after epoch 2" in " ".join(outcome.out.split())
    assert status_of(directory) == "interrupted"
    assert command("runs", "show", directory).code == 0
    train(tmp_path)
    assert bytes_of(directory) == whole


def test_a_checkpoint_of_another_run_mends_no_result(tmp_path: Path) -> None:
    directory = killed(tmp_path, call=3)
    (directory / "result.json").write_bytes(b"")
    moved = directory.with_name(f"{directory.name[:-8]}00000000")
    directory.rename(moved)
    outcome = repaired(tmp_path / "runs")
    assert outcome.code == 1
    assert (moved / "result.json").read_bytes() == b""


def test_a_dry_repair_changes_nothing(tmp_path: Path) -> None:
    directory = killed(tmp_path, call=2)
    before = {path: path.read_bytes() for path in directory.iterdir()}
    outcome = repaired(tmp_path / "runs", "--dry-run")
    assert "it goes on after epoch 1" in outcome.out.replace("\n ", "")
    assert {path: path.read_bytes() for path in directory.iterdir()} == before


def test_what_is_lost_is_named_with_the_command_that_brings_it_back(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    store = train(tmp_path)
    directory = only_directory(store)
    weights = bytearray(whole["weights.pt"])
    weights[len(weights) // 2] ^= 1
    (directory / "weights.pt").write_bytes(weights)
    outcome = repaired(store)
    assert outcome.code == 1
    assert "weights.pt: damaged: its SHA-256 is not the one in" in " ".join(outcome.out.split())
    told = outcome.out.splitlines()[-1].split()
    assert told[:2] == ["optbench", "run"]
    assert command(*told[1:], "--runs-dir", store, "--quiet").code == 0
    assert bytes_of(directory) == whole
    assert repaired(store).code == 0


def test_a_changed_configuration_is_named_and_not_run(tmp_path: Path) -> None:
    store = train(tmp_path)
    config = only_directory(store) / "config.yaml"
    config.write_text(config.read_text().replace("lr: 0.01", "lr: 0.03"))
    outcome = repaired(store)
    assert outcome.code == 1
    assert "config.yaml: damaged: its SHA-256 is not the one in" in " ".join(outcome.out.split())
    assert "optbench run" not in outcome.out
    outcome = command("run", config, "--runs-dir", tmp_path / "repeated")
    assert outcome.code == 4
    assert "config.yaml: damaged" in outcome.err
    assert not (tmp_path / "repeated").exists()
    assert "copy it" in outcome.err


def test_a_result_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    store = train(tmp_path)
    (only_directory(store) / "result.json").write_text("{")
    outcome = repaired(store)
    assert outcome.code == 1
    assert "result.json: not strict JSON" in outcome.out


def test_a_run_that_is_being_trained_is_neither_repaired_nor_deleted(tmp_path: Path) -> None:
    directory = killed(tmp_path, call=2)
    with RunLock(directory):
        assert repaired(tmp_path / "runs").out == "Every run is whole.\n"
        outcome = command("runs", "prune", tmp_path / "runs", "--status", "running", "--yes")
    assert outcome.code == 4
    assert "is being trained by another process" in outcome.err
    assert status_of(directory) == "running"


def test_pruning_lists_first_and_deletes_only_when_told_to(tmp_path: Path) -> None:
    store = train(tmp_path, seeds=2)
    leftover = next(store.glob("tiny/*-s0-*")) / ".result.json.7.tmp"
    leftover.write_bytes(b"x" * 1500)
    outcome = command("runs", "prune", store)
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1] == "1 leftover, 1.5 kB; --yes deletes them."
    assert leftover.exists()
    assert command("runs", "prune", store, "--yes").out.endswith("Deleted 1 leftover, 1.5 kB.\n")
    assert not leftover.exists()
    assert command("runs", "prune", store).out == "Nothing to delete.\n"


def test_runs_are_pruned_by_status_and_condition(tmp_path: Path) -> None:
    store = train(tmp_path, seeds=3)
    arguments = ("runs", "prune", store, "--status", "completed", "--where", "seed=1")
    assert command(*arguments).out.splitlines()[-1].startswith("1 run, ")
    assert command(*arguments, "--yes").code == 0
    seeds = {json.loads(p.read_bytes())["seed"] for p in store.glob("tiny/*/result.json")}
    assert seeds == {0, 2}
    assert not list(store.glob("tiny/.*"))


def test_kept_states_are_pruned_where_that_is_asked_for(tmp_path: Path) -> None:
    training = {"epochs": 1, "batch_size": 16, "keep_state": True}
    store = train(tmp_path, seeds=3, training=training)
    assert command("runs", "prune", store, "--yes").out == "Nothing to delete.\n"
    assert "Every run is whole." in repaired(store).out
    rotten = next(store.rglob("state.pt"))
    rotten.write_bytes(rotten.read_bytes()[:-1] + b"!")
    found = repaired(store)
    told = " ".join(found.out.split())
    assert (found.code, "whole" in told) == (0, False)
    assert "state.pt is damaged: its digest is not that of its content; no longer run" in told
    assert "optbench runs prune --states deletes it" in told
    arguments = ("runs", "prune", store, "--states", "--where", "seed=1")
    assert command(*arguments).out.splitlines()[-1].startswith("1 last state, ")
    assert len([*store.rglob("state.pt")]) == 3
    assert command(*arguments, "--yes").out.splitlines()[-1].startswith("Deleted 1 last state, ")
    assert len([*store.rglob("state.pt")]) == 2
    both = command("runs", "prune", store, "--states", "--status", "completed", "--where", "seed=2")
    assert both.out.splitlines()[-1].startswith("1 run, ")
    assert command("runs", "prune", store, "--states", "--yes").code == 0
    assert not [*store.rglob("state.pt")]
    assert "Every run is whole." in repaired(store).out
    assert len([*store.rglob("result.json")]) == 3


FRAGILE = """
from pathlib import Path
import torch

class Fragile(torch.optim.SGD):
    def step(self, closure=None):
        if not (Path(__file__).parent / "mended").exists():
            raise RuntimeError("not yet")
        return super().step(closure)
"""


def test_a_failed_run_is_tried_again_under_its_experiment_with_its_declared_seeds(
    tmp_path: Path,
) -> None:
    write_plugin(tmp_path, FRAGILE)
    store = train(tmp_path, optimizer={"name": "./plugin.py:Fragile", "lr": 0.1}, seeds=2)
    assert {status_of(path.parent) for path in store.glob("*/*/result.json")} == {"failed"}
    (tmp_path / "mended").touch()
    outcome = command("runs", "retry", store)
    assert outcome.code == 0, outcome.err
    assert outcome.out.endswith("2 runs tried again: 2 completed\n")
    results = [json.loads(path.read_bytes()) for path in store.glob("*/*/result.json")]
    assert [result["status"] for result in results] == ["completed"] * 2
    assert [result["declared_seeds"] for result in results] == [2, 2]
    assert command("runs", "retry", store).out == "There is no failed run.\n"


def test_runs_that_fail_again_end_with_3_and_tell_their_cause_once(tmp_path: Path) -> None:
    write_plugin(tmp_path, FRAGILE)
    store = train(tmp_path, optimizer={"name": "./plugin.py:Fragile", "lr": 0.1}, seeds=2)
    outcome = command("runs", "retry", store, "--quiet")
    assert outcome.code == 3
    assert outcome.err.count(" and 1 more failed: RuntimeError: not yet\n") == 1
    assert outcome.err.count("The traceback is in") == 1
