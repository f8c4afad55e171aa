"""Commits reach the disk while the run trains on, in order, and none is lost without a word."""

from __future__ import annotations

import errno
import itertools
import os
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest
from experiments import Child, only_directory, signal_at, write_experiment

from optbench.errors import StoreError
from optbench.execution.study import Options, load_experiments, plan_runs, train_plan
from optbench.store.rundir import RunDirectory
from optbench.training.events import Advanced, Started
from optbench.training.records import Evaluation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from optbench.training.events import Event

# The first fsync is that of the configuration, and each file has its folder's after it.
CONFIGURATION, FIRST_COMMIT, SECOND_COMMIT = 1, 3, 5
STEP = "optbench.training.part:Part.step"


def events(folder: Path, seeds: int = 1) -> Iterator[Event]:
    """Train in this process; four steps an epoch, three epochs."""
    path = write_experiment(folder, seeds=seeds)
    options = Options(runs_dir=folder / "runs")
    plan = plan_runs(load_experiments([path], options), options, lambda _: None)
    return train_plan(plan, options)


def results(folder: Path) -> dict[str, bytes]:
    directory = only_directory(folder / "runs")
    return {name: (directory / name).read_bytes() for name in ("metrics.csv", "weights.pt")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    list(events(folder))
    return results(folder)


def test_the_next_epoch_trains_while_a_commit_is_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: dict[str, bytes]
) -> None:
    second_epoch = threading.Event()
    waited = []
    fsync, calls = os.fsync, itertools.count(1)

    def slow(descriptor: int) -> None:
        if next(calls) == FIRST_COMMIT:
            waited.append(second_epoch.wait(60))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    for event in events(tmp_path):
        record = event.record if isinstance(event, Advanced) else None
        if isinstance(record, Evaluation) and record.row["epoch"] == 2:
            second_epoch.set()
    assert waited == [True]
    assert results(tmp_path) == whole


def test_the_commits_of_a_run_are_stored_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[tuple[Path, str]] = []
    write_checkpoint, write_progress = RunDirectory.write_checkpoint, RunDirectory.write_progress

    def checkpoint(self: RunDirectory, content: bytes) -> None:
        stored.append((self.path, "begun"))
        write_checkpoint(self, content)

    def progress(self: RunDirectory, *arguments: object) -> None:
        write_progress(self, *arguments)  # type: ignore[arg-type]
        stored.append((self.path, "done"))

    monkeypatch.setattr(RunDirectory, "write_checkpoint", checkpoint)
    monkeypatch.setattr(RunDirectory, "write_progress", progress)
    list(events(tmp_path, seeds=3))
    for directory in {path for path, _ in stored}:
        # The beginning, then two commits.
        assert [what for path, what in stored if path == directory] == [
            "done", "begun", "done", "begun", "done",
        ]  # fmt: skip


@pytest.mark.parametrize("call", [CONFIGURATION, FIRST_COMMIT, SECOND_COMMIT])
def test_a_disk_that_is_full_ends_the_command_and_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: dict[str, bytes], call: int
) -> None:
    fsync, calls = os.fsync, itertools.count(1)

    def full(descriptor: int) -> None:
        if next(calls) == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    name = "config.yaml" if call == CONFIGURATION else "checkpoint.pt"
    with pytest.raises(StoreError, match=rf"can't write .*{name}: No space left") as told:
        list(events(tmp_path))
    assert told.value.exit_code == 4
    assert not list(only_directory(tmp_path / "runs").glob(".*.tmp"))
    first, *_ = events(tmp_path)
    assert isinstance(first, Started)
    assert first.steps % 4 == 0
    assert results(tmp_path) == whole


def kill_while_a_commit_is_on_its_way(call: int, step: int) -> None:
    """In this process, an fsync never returns, and a step later on kills."""
    fsync, calls = os.fsync, itertools.count(1)

    def stuck(descriptor: int) -> None:
        if next(calls) == call:
            threading.Event().wait()
        fsync(descriptor)

    os.fsync = stuck  # type: ignore[assignment]
    signal_at(STEP, step, signal.SIGKILL)


def test_a_kill_before_a_commit_is_on_the_disk_goes_on_from_there(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    prepare = partial(kill_while_a_commit_is_on_its_way, SECOND_COMMIT, 11)
    with Child("run", write_experiment(tmp_path), cwd=tmp_path, prepare=prepare) as process:
        assert process.wait() == -signal.SIGKILL
    first, *_ = events(tmp_path)
    assert isinstance(first, Started)
    assert first.steps == 8
    assert results(tmp_path) == whole
