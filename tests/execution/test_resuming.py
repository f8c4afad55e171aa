"""Whatever stops a run, going on gives the bytes of one that was never stopped."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import random
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import torch
from clocks import clock_of_steps
from experiments import (
    TINY,
    Child,
    command,
    only_directory,
    signal_at,
    status_of,
    write_experiment,
)

from optbench.errors import Interrupted
from optbench.execution.study import Options, load_experiments, plan_runs, run, train_plan
from optbench.store.checkpoint_header import MAGIC
from optbench.training.checkpoint import from_bytes
from optbench.training.events import Advanced, Ended, Started
from optbench.training.records import Evaluation

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from optbench.training.events import Event

PARTS: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [5], "dropout": 0.3},
    "schedule": {"name": "exponentiallr", "gamma": 0.7},
    "training": TINY["training"] | {"evaluate_every": {"steps": 3}},  # 4 an epoch
}
Bytes = dict[str, bytes]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Bytes:
    """What a run that nothing stopped leaves."""
    folder = tmp_path_factory.mktemp("whole")
    list(events(folder))
    return results(folder)


def events(folder: Path, **parts: Any) -> Generator[Event, None, None]:
    """Train the run in this process; the stream of its events."""
    path = write_experiment(folder, **(PARTS | parts))
    options = Options(runs_dir=folder / "runs")
    plan = plan_runs(load_experiments([path], options), options, lambda _: None)
    return train_plan(plan, options)


def results(folder: Path) -> Bytes:
    directory = only_directory(folder / "runs")
    return {name: (directory / name).read_bytes() for name in ("metrics.csv", "weights.pt")}


def interrupt_after(stream: Generator[Event, None, None], count: int, code: int = 130) -> None:
    """Let a signal arrive while the event that follows `count` others is in the making."""
    for _ in itertools.islice(stream, count):
        pass
    with pytest.raises(Interrupted) as told:
        stream.throw(Interrupted(code))
    assert told.value.exit_code == code


def interrupted_after_epoch(folder: Path, epochs: int) -> Path:
    """A run stopped in the epoch after, with a row written since the last commit."""
    stream = events(folder)
    for event in stream:
        record = event.record if isinstance(event, Advanced) else None
        if isinstance(record, Evaluation) and (record.row["steps"] or 0) > 4 * epochs:
            break
    interrupt_after(stream, 0)
    directory = only_directory(folder / "runs")
    assert status_of(directory) == "interrupted"
    return directory


def test_an_interruption_at_any_event_changes_no_byte(tmp_path: Path, whole: Bytes) -> None:
    (tmp_path / "all").mkdir()
    count = len(list(events(tmp_path / "all")))
    for stop in range(1, count):
        folder = tmp_path / str(stop)
        folder.mkdir()
        interrupt_after(events(folder), stop)
        assert status_of(only_directory(folder / "runs")) == "interrupted"
        first, *_, last = events(folder)
        assert isinstance(first, Started)
        assert isinstance(last, Ended)
        assert first.steps % 4 == 0
        assert results(folder) == whole


def test_an_interrupted_run_shows_the_rows_up_to_its_last_commit(
    tmp_path: Path, whole: Bytes
) -> None:
    directory = interrupted_after_epoch(tmp_path, 2)
    rows = (directory / "metrics.csv").read_bytes()
    # Rows come after steps 0, 3, 6, 9 and 12; the second epoch ends with step 8.
    assert rows.count(b"\n") == 1 + 3
    assert whole["metrics.csv"].startswith(rows)
    result = json.loads((directory / "result.json").read_bytes())
    assert result["last"]["steps"] == 6
    assert result["files"]["metrics.csv"] == hashlib.sha256(rows).hexdigest()


def test_a_run_stopped_again_and_again_changes_no_byte(tmp_path: Path, whole: Bytes) -> None:
    draw = random.Random(1)
    for _ in range(20):
        stream = events(tmp_path)
        if not any(isinstance(e, Ended) for e in itertools.islice(stream, draw.randint(1, 6))):
            interrupt_after(stream, 0)
    list(events(tmp_path))
    assert results(tmp_path) == whole


def test_what_an_interval_took_before_a_stop_is_in_the_row_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock_of_steps(monkeypatch)
    interrupted_after_epoch(tmp_path, 1)
    first, *_ = events(tmp_path)
    assert isinstance(first, Started)
    assert (first.steps, first.measured) == (4, 3)
    directory = only_directory(tmp_path / "runs")
    lines = (directory / "timing.csv").read_text().splitlines()
    # A second a step, and a quarter of one after steps 4 and 8: as the training loop's tests.
    seconds = {"0": 0, "3": 3, "6": 3.25, "9": 3.25, "12": 3}
    assert lines[1:] == [f"{steps},{train:.6f},0.000000" for steps, train in seconds.items()]
    assert json.loads((directory / "result.json").read_bytes())["seconds"] == 12.5


# Damage


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "fifo"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    tmp_path: Path, whole: Bytes, damage: str
) -> None:
    directory = interrupted_after_epoch(tmp_path, 2)
    break_file(directory / "checkpoint.pt", damage)
    first, *_ = events(tmp_path)
    assert isinstance(first, Started)
    assert first.steps == 4
    assert results(tmp_path) == whole
    assert "checkpoint.pt is left aside: " in (directory / "log.txt").read_text()
    assert first.warning == f"{directory}: checkpoint.pt is damaged; the run goes on from step 4"


@pytest.mark.parametrize("quiet", [True, False])
def test_a_damaged_checkpoint_is_said_once_to_whoever_trains_on(
    tmp_path: Path, quiet: bool
) -> None:
    directory = interrupted_after_epoch(tmp_path, 2)
    break_file(directory / "checkpoint.pt", "flipped")
    path = write_experiment(tmp_path, **PARTS)
    options = ("--runs-dir", str(tmp_path / "runs"), *(["--quiet"] if quiet else []))
    outcome = command("run", path, *options)
    assert outcome.code == 0
    told = "checkpoint.pt is damaged; the run goes on from step 4"
    said = " ".join((outcome.err if quiet else outcome.out).split())
    assert said.count(told) == 1
    assert (outcome.err.count("\n"), outcome.out) == (1, "") or not quiet
    assert "is damaged" not in command("run", path, *options).out


def test_whoever_calls_from_python_is_told_of_a_damaged_checkpoint(tmp_path: Path) -> None:
    directory = interrupted_after_epoch(tmp_path, 2)
    break_file(directory / "checkpoint.pt", "flipped")
    said: list[str] = []
    path = write_experiment(tmp_path, **PARTS)
    run(path, runs_dir=tmp_path / "runs", announce=said.append)
    assert said == [f"{directory}: checkpoint.pt is damaged; the run goes on from step 4"]


def test_without_a_whole_checkpoint_a_run_starts_over(tmp_path: Path, whole: Bytes) -> None:
    directory = interrupted_after_epoch(tmp_path, 2)
    names = ("checkpoint.pt", "checkpoint.prev.pt")
    for name in names:
        break_file(directory / name, "flipped")
    first, *_ = events(tmp_path)
    assert isinstance(first, Started)
    told = f"{' and '.join(names)} are damaged; the run starts over"
    assert first.warning == f"{directory}: {told}"
    assert first.steps == 0
    assert results(tmp_path) == whole
    assert len((directory / "log.txt").read_text().splitlines()) == 2


@pytest.mark.parametrize("name", ["result.json", "metrics.csv", "config.yaml", "timing.csv"])
@pytest.mark.parametrize("damage", ["truncated", "gone"])
def test_a_damaged_readable_file_costs_no_checkpoint(
    tmp_path: Path, whole: Bytes, name: str, damage: str
) -> None:
    directory = interrupted_after_epoch(tmp_path, 1)
    if damage == "gone":
        (directory / name).unlink()
    else:
        break_file(directory / name, damage)
    first, *_ = events(tmp_path)
    assert isinstance(first, Started)
    assert first.steps == 4
    assert results(tmp_path) == whole


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"steps": "x"},
        {"steps": 4, "model": 3},
        {"steps": 10**9, "model": {"1.weight": torch.zeros(1).expand(10**6, 10**6)}},
    ],
    ids=["nothing", "text", "a number", "huge"],
)
def test_a_forged_checkpoint_is_left_aside(
    tmp_path: Path, whole: Bytes, content: dict[str, object]
) -> None:
    directory = interrupted_after_epoch(tmp_path, 2)
    run = json.loads((directory / "result.json").read_bytes())["run"]
    result = from_bytes((directory / "checkpoint.pt").read_bytes())["result"]
    forged = seal({"run": run, "result": result, **content})
    (directory / "checkpoint.pt").write_bytes(forged)
    list(events(tmp_path))
    assert results(tmp_path) == whole
    assert "left aside" in (directory / "log.txt").read_text()


def seal(state: dict[str, object]) -> bytes:
    """A checkpoint with any content."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest().encode()
    return MAGIC + digest + b"\n" + buffer.getvalue()


def break_file(path: Path, damage: str) -> None:
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    elif damage == "truncated":
        del content[len(content) // 2 :]
    else:
        content.clear()
    path.unlink()
    if damage == "fifo":
        os.mkfifo(path)
    else:
        path.write_bytes(content)


# Another environment


def claim_other_environment(directory: Path) -> None:
    for path in directory.glob("checkpoint*.pt"):
        state = from_bytes(path.read_bytes())
        result = json.loads(state["result"])
        del result["digest"]
        result["environment"]["cpu_capability"] = "a processor of the past"
        path.write_bytes(seal(state | {"result": json.dumps(result)}))


def test_an_unfinished_run_of_another_environment_starts_over(tmp_path: Path, whole: Bytes) -> None:
    claim_other_environment(interrupted_after_epoch(tmp_path, 2))
    first, *_ = events(tmp_path)
    assert isinstance(first, Started)
    assert first.steps == 0
    assert results(tmp_path) == whole


def test_a_checkpoint_of_another_environment_is_never_taken_up_later(tmp_path: Path) -> None:
    directory = interrupted_after_epoch(tmp_path, 2)
    claim_other_environment(directory)
    interrupt_after(events(tmp_path), 2)  # before its first commit here
    first, *_ = events(tmp_path)
    assert isinstance(first, Started)
    assert first.steps == 0


def test_a_finished_run_of_another_environment_is_kept_and_named(tmp_path: Path) -> None:
    list(events(tmp_path))
    directory = only_directory(tmp_path / "runs")
    path = directory / "result.json"
    result = json.loads(path.read_bytes())
    del result["digest"]
    result["environment"]["torch"] = "1.0.0"
    path.write_text(json.dumps(result), encoding="utf-8")
    before = path.read_bytes()
    outcome = command("run", tmp_path / "tiny.yaml", "--runs-dir", tmp_path / "runs")
    assert "came from torch 1.0.0" in outcome.out
    assert path.read_bytes() == before


# Real signals in real processes


def child(folder: Path, function: str, call: int, number: int) -> Child:
    """The run in a process that sends itself a signal at the nth call of a function."""
    path = write_experiment(folder, **PARTS)
    return Child("run", path, cwd=folder, prepare=partial(signal_at, function, call, number))


STEP = "optbench.training.part:Part.step"
SAVE = "optbench.training.checkpoint:torch.save"


def test_a_signal_while_saving_waits_until_that_is_done(tmp_path: Path) -> None:
    with child(tmp_path, SAVE, 2, signal.SIGTERM) as process:
        assert process.wait() == 143
    directory = only_directory(tmp_path / "runs")
    # The second torch.save is that of the second epoch's checkpoint.
    assert json.loads((directory / "result.json").read_bytes())["last"]["steps"] == 6
    first = next(events(tmp_path))
    assert isinstance(first, Started)
    assert first.steps == 8


def test_a_killed_run_reads_as_interrupted(tmp_path: Path) -> None:
    with child(tmp_path, STEP, 6, signal.SIGKILL) as process:
        assert process.wait() == -signal.SIGKILL
    assert status_of(only_directory(tmp_path / "runs")) == "running"
    outcome = command("runs", "list", "--runs-dir", tmp_path / "runs")
    assert outcome.code == 0
    assert "interrupted" in outcome.out


def test_a_second_process_is_refused_while_one_trains(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, **PARTS)
    pause = partial(signal_at, STEP, 6, signal.SIGSTOP)
    with Child("run", path, cwd=tmp_path, prepare=pause) as process:
        process.wait_for("0/3")  # it holds the lock, and stops for good three steps later
        outcome = command("run", path, "--runs-dir", tmp_path / "runs")
        assert outcome.code == 4
        assert "being trained by another process, so left to it" in outcome.err
        more = command("run", path, "--runs-dir", tmp_path / "runs", "--seeds", "2", "--json")
        assert more.code == 4  # the other seed has been trained meanwhile
        (line,) = more.out.splitlines()
        assert (json.loads(line)["seed"], json.loads(line)["status"]) == (1, "completed")
    list(events(tmp_path))  # the first was killed: its lock went with it


def test_separate_processes_give_the_same_bytes(tmp_path: Path, whole: Bytes) -> None:
    path = write_experiment(tmp_path, **PARTS)
    with Child("run", path, cwd=tmp_path) as process:
        assert process.wait() == 0
    assert results(tmp_path) == whole


# --force


def test_an_interrupted_force_leaves_the_finished_run_as_it_was(
    tmp_path: Path, whole: Bytes
) -> None:
    list(events(tmp_path))
    directory = only_directory(tmp_path / "runs")
    before = {p.name: p.read_bytes() for p in directory.iterdir()}
    path = tmp_path / "tiny.yaml"
    pause = partial(signal_at, STEP, 6, signal.SIGTERM)
    with Child("run", path, "--force", cwd=tmp_path, prepare=pause) as process:
        assert process.wait() == 143
    assert {p.name: p.read_bytes() for p in directory.iterdir()} == before
    assert command("run", path, "--runs-dir", tmp_path / "runs").out.startswith("1 of 1 run")
    assert results(tmp_path) == whole


def test_force_trains_again_and_swaps(tmp_path: Path, whole: Bytes) -> None:
    list(events(tmp_path))
    directory = only_directory(tmp_path / "runs")
    (directory / "mine.txt").touch()
    before = (directory / "result.json").stat().st_ino
    outcome = command("run", tmp_path / "tiny.yaml", "--force", "--runs-dir", tmp_path / "runs")
    assert outcome.code == 0
    assert results(tmp_path) == whole
    assert (directory / "result.json").stat().st_ino != before
    assert not (directory / "mine.txt").exists()
    assert list(directory.parent.iterdir()) == [directory]


# A signal or a reader that stops, at the very end


def test_a_run_that_a_signal_meets_at_its_end_is_completed(tmp_path: Path, whole: Bytes) -> None:
    with child(tmp_path, "optbench.store.rundir:RunDirectory.write_end", 1, signal.SIGINT) as run:
        assert run.wait() == 130
    assert status_of(only_directory(tmp_path / "runs")) == "completed"
    assert results(tmp_path) == whole
    again = command("run", tmp_path / "tiny.yaml", "--runs-dir", tmp_path / "runs")
    assert again.out.startswith("1 of 1 run is finished already")


def test_a_reader_that_stops_after_the_end_leaves_the_run_completed(tmp_path: Path) -> None:
    stream = events(tmp_path)
    for event in stream:
        if isinstance(event, Ended):
            stream.close()
    assert status_of(only_directory(tmp_path / "runs")) == "completed"
