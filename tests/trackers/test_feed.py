"""Runs told to a tracker while they train: everything, in order, and never in their way."""

from __future__ import annotations

import io
import sys
from threading import Event
from typing import TYPE_CHECKING

import pytest
from experiments import Outcome, command, snapshot, write_experiment

from optbench.commands import training
from optbench.commands.screen import Screen
from optbench.execution.study import Options, load_experiments, plan_runs
from optbench.store.scan import scan
from optbench.trackers import choice
from optbench.trackers.tracker import TrackedRun, step_of

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.store.metrics import Row
    from optbench.store.result import Status

TWO = [{"name": "adam", "lr": 0.01}, {"name": "sgd", "lr": 0.1}]


class Notebook:
    """A tracker that writes down what it is told."""

    def __init__(self) -> None:
        self.runs: dict[str, TrackedRun] = {}
        self.rows: dict[str, list[Row]] = {}
        self.ends: dict[str, Status] = {}
        self.closed = False

    def begin(self, run: TrackedRun) -> int:
        self.runs[run.hash] = run
        told = self.rows.setdefault(run.hash, [])
        return step_of(told[-1]) if told else -1

    def log(self, run: TrackedRun, row: Row) -> None:
        self.rows[run.hash].append(row)

    def end(self, run: TrackedRun, status: Status) -> None:
        self.ends[run.hash] = status

    def close(self) -> None:
        self.closed = True


class Broken(Notebook):
    def log(self, run: TrackedRun, row: Row) -> None:
        raise ConnectionError("no route to host")


class Hanging(Notebook):
    """Answers when the test is over."""

    def __init__(self) -> None:
        super().__init__()
        self.released = Event()

    def begin(self, run: TrackedRun) -> int:
        self.released.wait(60)
        return -1


def track(
    tracker: Notebook, folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str
) -> Outcome:
    """Two runs of a command that is to tell this tracker."""
    monkeypatch.setitem(choice.TRACKERS, "wandb", lambda _: tracker)
    path = write_experiment(folder, optimizer=TWO)
    return command("run", path, "--runs-dir", folder / "runs", "--track", "wandb", *options)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_every_row_is_told_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    notebook = Notebook()
    outcome = track(notebook, tmp_path, monkeypatch, "--workers", workers)
    assert (outcome.code, outcome.err) == (0, "")
    stored = {run.result.run: list(run.rows) for run in scan(tmp_path / "runs").runs}
    assert notebook.rows == stored
    assert set(notebook.ends.values()) == {"completed"}
    assert notebook.closed
    told = {run.parameters["optimizer"]: run for run in notebook.runs.values()}
    assert told["adam"].parameters["lr"] == "0.01"
    assert told["adam"].parameters["seed"] == "0"
    assert told["sgd"].experiment == "tiny"


def test_what_a_run_had_before_it_went_on_is_told_from_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the command had been stopped after two epochs, without a tracker."""
    path = write_experiment(tmp_path, optimizer=TWO)
    kept = ("checkpoint.pt", "checkpoint.prev.pt")

    class Stop(Exception):  # noqa: N818
        pass

    def stop(_: object, event: object) -> None:
        if getattr(getattr(event, "record", None), "row", {}).get("epoch") == 2:
            raise Stop

    with monkeypatch.context() as patched:
        patched.setattr("optbench.report.progress._Quiet.show", stop)
        with pytest.raises(Stop):
            _run_in_process(path, tmp_path)
    assert any((d / n).exists() for d in (tmp_path / "runs" / "tiny").iterdir() for n in kept)
    notebook = Notebook()
    outcome = track(notebook, tmp_path, monkeypatch)
    assert outcome.code == 0
    stored = {run.result.run: list(run.rows) for run in scan(tmp_path / "runs").runs}
    assert notebook.rows == stored


def _run_in_process(path: Path, folder: Path) -> None:
    options = Options(runs_dir=folder / "runs", workers=1)
    plan = plan_runs(load_experiments([path], options), options, lambda _: None)
    training.train(plan, options, Screen(io.StringIO(), 80, colour=False, quiet=True))


def test_a_tracker_that_fails_costs_nothing_but_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, tracked = tmp_path / "alone", tmp_path / "tracked"
    alone.mkdir()
    tracked.mkdir()
    path = write_experiment(alone, optimizer=TWO)
    assert command("run", path, "--runs-dir", alone / "runs").code == 0
    outcome = track(Broken(), tracked, monkeypatch)
    assert outcome.code == 0
    assert "Tracking by wandb failed: no route to host" in outcome.out
    assert f"optbench runs export {tracked / 'runs'} --to wandb" in " ".join(outcome.out.split())
    assert _numbers(alone) == _numbers(tracked)


def test_a_tracker_that_hangs_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "AT_THE_END", 0.1)
    tracker = Hanging()
    outcome = track(tracker, tmp_path, monkeypatch)
    tracker.released.set()
    assert outcome.code == 0
    assert "it did not answer" in outcome.out
    assert all(run.status == "completed" for run in scan(tmp_path / "runs").runs)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("tensorbord", "did you mean 'tensorboard'?"),
        ("mlflow", "pip install 'optbench[mlflow]'"),
    ],
)
def test_an_unknown_or_missing_tracker_is_refused_before_anything_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, said: str
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    path = write_experiment(tmp_path)
    outcome = command("run", path, "--runs-dir", tmp_path / "runs", "--track", asked)
    assert outcome.code == 2
    assert said in outcome.err
    assert not (tmp_path / "runs").exists()


def _numbers(folder: Path) -> dict[str, bytes]:
    return {
        name: content
        for name, (content, _) in snapshot(folder / "runs").items()
        if name.endswith(("metrics.csv", "weights.pt"))
    }
