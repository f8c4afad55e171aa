"""`optbench run --max-time`: stops as a signal would, and goes on to the same bytes."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from experiments import TINY, TINY_EPOCH_STEPS, command, snapshot, write_experiment

from optbench.commands import training
from optbench.execution import study
from optbench.store.rundir import RunDirectory
from optbench.store.scan import scan
from optbench.training import loop

if TYPE_CHECKING:
    from pathlib import Path

LONG = TINY["training"] | {"epochs": 30}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_command_stops_in_time_and_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    path = write_experiment(tmp_path, training=LONG, seeds=2)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert command("run", path, "--runs-dir", whole).code == 0
    ticks = iter(range(10_000))
    with monkeypatch.context() as patched:  # a second an event, an hour's worth in some seconds
        patched.setattr(training, "monotonic", lambda: 1e9 * (next(ticks) > 20))
        stopped = command(
            "run", path, "--runs-dir", parts, "--max-time", "1h", "--workers", workers
        )
    assert stopped.code == 4
    assert "The same command goes on from the last commits, " in " ".join(stopped.err.split())
    assert any(run.status == "interrupted" for run in scan(parts).runs)
    assert command("run", path, "--runs-dir", parts).code == 0
    assert _numbers(parts) == _numbers(whole)


def test_it_says_after_which_epoch_runs_go_on_where_the_screen_was_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_experiment(tmp_path, training={"epochs": 30, "batch_size": 16}, seeds=2)
    ticks = iter(range(10_000))
    two_epochs = 2 * TINY_EPOCH_STEPS
    with monkeypatch.context() as patched:
        patched.setattr(training, "monotonic", lambda: 1e9 * (next(ticks) > 40))
        patched.setattr(
            loop._Cohort, "is_worth_a_commit", lambda self: next(self.learners).steps == two_epochs
        )
        options = ("--runs-dir", tmp_path / "runs", "--workers", "1")
        stopped = command("run", path, *options, "--max-time", "1h")
    assert " s1  5/30 " in stopped.out
    assert " ".join(stopped.err.split()).endswith(
        "Stopped: 0 of 2 runs finished. The same command goes on from the last commits, 2 runs "
        "after epoch 2; what came after is trained again."
    )
    shown = [line for line in command("run", path, *options).out.splitlines() if " s1 " in line]
    assert " s1  3/30 " in shown[0]


def test_what_is_forced_is_said_to_begin_anew_and_leaves_what_was_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_experiment(tmp_path, training=LONG, seeds=2)
    options = ("--runs-dir", tmp_path / "runs", "--workers", "1")
    assert command("run", path, *options).code == 0
    before = _numbers(tmp_path / "runs")
    ticks = iter(range(10_000))
    with monkeypatch.context() as patched:
        patched.setattr(training, "monotonic", lambda: 1e9 * (next(ticks) > 40))
        stopped = command("run", path, *options, "--force", "--max-time", "1h")
    assert stopped.code == 4
    told = "Stopped: 0 of 2 runs finished. The same command trains all of them anew."
    assert " ".join(stopped.err.split()).endswith(told)
    assert _numbers(tmp_path / "runs").items() >= before.items()  # what began is beside
    again = command("run", path, *options, "--force").out.splitlines()
    assert " 1/30 " in next(line for line in again if " s0 " in line)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_time_that_is_up_at_the_start_is_told_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    path = write_experiment(tmp_path, training=LONG | {"epochs": 9999}, seeds=2)
    store = tmp_path / "runs"
    with monkeypatch.context() as patched:
        patched.setattr(study, "deadline", lambda *_: 0.0)
        stopped = command("run", path, "--runs-dir", store, "--workers", workers)
    assert stopped.code == 4
    assert "Stopped: 0 of 2 runs finished. " in stopped.err
    if workers == "1":  # else they have trained on until they were told
        assert "No run got beyond where it began: give it more time" in stopped.err
    reasons = {run.result.reason for run in scan(store).runs if run.status == "interrupted"}
    assert reasons == {"its --max-time was up"}
    shown = command("runs", "list", "--runs-dir", store).out
    assert "its --max-time was up" in " ".join(shown.split())


def test_a_run_that_is_stopped_while_it_begins_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_experiment(tmp_path, training=LONG, seeds=2)
    store, write = tmp_path / "runs", RunDirectory.write_config

    def signalled(self: RunDirectory, text: str) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        write(self, text)

    with monkeypatch.context() as patched:
        patched.setattr(RunDirectory, "write_config", signalled)
        stopped = command("run", path, "--runs-dir", store, "--workers", "1")
    assert stopped.code == 143
    (begun,) = scan(store).runs
    assert (begun.status, begun.result.reason) == ("interrupted", "stopped by a signal")
    assert command("run", path, "--runs-dir", store).code == 0


def test_what_is_no_time_is_refused_before_anything_trains(tmp_path: Path) -> None:
    path = write_experiment(tmp_path)
    outcome = command("run", path, "--runs-dir", tmp_path / "runs", "--max-time", "soon")
    assert outcome.code == 2
    assert "--max-time: must be a time such as 90s, 45m or 1h30m, got 'soon'" in outcome.err
    assert not (tmp_path / "runs").exists()


def _numbers(folder: Path) -> dict[str, bytes]:
    return {
        name: content
        for name, (content, _) in snapshot(folder).items()
        if name.endswith(("metrics.csv", "weights.pt"))
    }
