"""What every executor has to do, asked of each: the same events, the same bytes in the store."""

from __future__ import annotations

import importlib.util
import json
import signal
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from experiments import TINY, Child, command, status_of, write_experiment, write_plugin

import optbench
from optbench.execution.study import Options, asked, load_experiments, plan_runs, train_plan
from optbench.store.lock import RunLock
from optbench.store.scan import scan
from optbench.training.events import Advanced, Busy, Ended, Started
from optbench.training.records import Evaluation

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from optbench.training.events import Event


@dataclass(frozen=True)
class Choice:
    """An executor, as the command line and as Python name it."""

    words: tuple[str, ...]
    options: dict[str, Any]


EXECUTORS = {
    "this process": Choice(("--workers", "1"), {"workers": 1}),
    "worker processes": Choice(("--workers", "2"), {"workers": 2}),
    "ray": Choice(("--executor", "ray", "--workers", "2"), {"executor": "ray", "workers": 2}),
    "ray, a shared store": Choice(
        ("--executor", "ray", "--workers", "2", "--shared-store"),
        {"executor": "ray", "workers": 2, "shared_store": True},
    ),
}
TWO = [TINY["optimizer"], {"name": "sgd", "lr": 0.1}]
LONG: dict[str, Any] = {
    "dataset": {"name": "synthetic", "train": 4000, "test": 30, "features": 6, "classes": 3},
    "training": {"epochs": 60, "batch_size": 16},
    "optimizer": TWO,
}
GONE = 240  # seconds, for what takes well under ten; of Ray's own agents about a minute
PLUGIN = """
import os, signal, torch

print("hello from a plug-in")

class Own(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        self.steps = 0

    def step(self, closure=None):
        self.steps += 1
        if self.steps == 2:  # since this process began: it gets no further in another
            self.act()
        super().step(closure)

class Raises(Own):
    def act(self):
        raise RuntimeError("not today")

class Dies(Own):
    def act(self):
        os.kill(os.getpid(), signal.SIGKILL)

class Loud(Own):
    def act(self):
        print("hello from a step")

class Picky(Own):
    def __init__(self, params, lr=0.1):
        raise ValueError("not today")
"""


NEEDS_RAY = (
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'optbench[ray]'"
    ),
)


@pytest.fixture(
    params=[
        pytest.param(name, marks=NEEDS_RAY if "ray" in choice.words else ())
        for name, choice in EXECUTORS.items()
    ]
)
def chosen(request: pytest.FixtureRequest) -> Choice:
    return EXECUTORS[request.param]


def run(path: Path, store: Path, choice: Choice, *more: str) -> Any:
    return command("run", path, "--runs-dir", store, "--json", "-q", *choice.words, *more)


def events(path: Path, store: Path, choice: Choice) -> Iterable[Event]:
    told = asked(runs_dir=store, **choice.options)
    return train_plan(plan_runs(load_experiments([path], told), told, lambda _: None), told)


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def statuses(out: str) -> list[str]:
    return sorted(line["status"] for line in lines(out))


def stored(store: Path) -> dict[str, bytes]:
    """metrics.csv and weights.pt of every run, by the run directory's name."""
    files = (path for name in ("metrics.csv", "weights.pt") for path in store.rglob(name))
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in files}


def alone(folder: Path, **parts: Any) -> dict[str, bytes]:
    """What an experiment leaves where this process trains it."""
    path = write_experiment(folder, **parts)
    assert run(path, folder / "alone", EXECUTORS["this process"]).code == 0
    return stored(folder / "alone")


def test_runs_have_the_bytes_that_they_have_in_this_process(tmp_path: Path, chosen: Choice) -> None:
    parts: dict[str, Any] = {
        "optimizer": [*TWO, {"name": "sgd", "lr": 1e30}],  # the last diverges
        "model": {"name": "mlp", "hidden": [5], "dropout": 0.3},
        "seeds": 2,
    }
    expected = alone(tmp_path, **parts)
    outcome = run(write_experiment(tmp_path, **parts), tmp_path / "runs", chosen)
    assert outcome.code == 0
    assert statuses(outcome.out) == ["completed"] * 4 + ["diverged"] * 2
    assert stored(tmp_path / "runs") == expected


def test_python_trains_as_the_command_does(tmp_path: Path, chosen: Choice) -> None:
    expected = alone(tmp_path, optimizer=TWO)
    path = write_experiment(tmp_path, optimizer=TWO)
    found = optbench.run(path, runs_dir=tmp_path / "runs", **chosen.options)
    assert [one.status for one in found] == ["completed"] * 2
    assert stored(tmp_path / "runs") == expected


def test_a_search_with_pruning_finds_and_stores_the_same(tmp_path: Path, chosen: Choice) -> None:
    space = {"name": "adam", "lr": {"loguniform": [1e-4, 1e-1]}}
    tuning = {"trials": 4, "sampler": "random", "pruner": "hyperband"}
    path = write_experiment(tmp_path, optimizer=space, tuning=tuning)
    for name, choice in (("alone", EXECUTORS["this process"]), ("runs", chosen)):
        told = command("tune", path, "--runs-dir", tmp_path / name, "-q", *choice.words)
        assert (told.code, told.err) == (0, "")
    assert stored(tmp_path / "runs") == stored(tmp_path / "alone")
    found, expected = (
        {run.result.run: run.status for run in scan(tmp_path / name / "tiny.tuning").runs}
        for name in ("runs", "alone")
    )
    assert found == expected
    assert "pruned" in found.values()


def test_events_of_a_run_come_in_order_and_its_rows_are_those_stored(
    tmp_path: Path, chosen: Choice
) -> None:
    path = write_experiment(tmp_path, optimizer=TWO, seeds=2)
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events(path, tmp_path / "runs", chosen):
        found[event.run.hash].append(event)
    assert len(found) == 4
    for first, *between, last in found.values():
        assert isinstance(first, Started)
        assert isinstance(last, Ended)
        records = [event.record for event in between if isinstance(event, Advanced)]
        assert len(records) == len(between)
        rows = [record.row for record in records if isinstance(record, Evaluation)]
        steps = [
            record.row["steps"] if isinstance(record, Evaluation) else record.steps
            for record in records
        ]
        assert [row["epoch"] for row in rows] == [0, 1, 2, 3]
        assert steps == sorted(steps)  # type: ignore[type-var]
        assert rows[-1] == last.result.last
        assert last.directory.parent.parent == tmp_path / "runs"


def test_a_run_whose_own_code_raises_fails_alone(tmp_path: Path, chosen: Choice) -> None:
    write_plugin(tmp_path, PLUGIN)
    own = {"name": "./plugin.py:Raises", "lr": 0.1}
    outcome = run(write_experiment(tmp_path, optimizer=[own, *TWO]), tmp_path / "runs", chosen)
    assert outcome.code == 3
    assert statuses(outcome.out) == ["completed", "completed", "failed"]
    (failed,) = (line for line in lines(outcome.out) if line["status"] == "failed")
    assert failed["reason"] == "RuntimeError: not today"
    (log,) = (tmp_path / "runs").rglob("log.txt")
    assert "plugin.py" in log.read_text()


def test_a_run_whose_process_dies_fails_and_the_rest_go_on(tmp_path: Path, chosen: Choice) -> None:
    write_plugin(tmp_path, PLUGIN)
    dying = {"name": "./plugin.py:Dies", "lr": 0.1}
    outcome = run(write_experiment(tmp_path, optimizer=[dying, *TWO]), tmp_path / "runs", chosen)
    assert outcome.code == 3
    assert statuses(outcome.out) == ["completed", "completed", "failed"]
    (failed,) = (line for line in lines(outcome.out) if line["status"] == "failed")
    assert failed["reason"].startswith("its process died")
    found = stored(tmp_path / "runs")
    assert {name: found.get(name) for name in alone(tmp_path, optimizer=TWO)} == stored(
        tmp_path / "alone"
    )


def test_what_a_class_refuses_is_told_once_with_its_line(tmp_path: Path, chosen: Choice) -> None:
    write_plugin(tmp_path, PLUGIN)
    path = write_experiment(tmp_path, optimizer=[{"name": "./plugin.py:Picky"}, *TWO])
    outcome = run(path, tmp_path / "runs", chosen)
    assert outcome.code == 2
    assert outcome.err.count("not today") == 1
    assert f"{path}:1: optimizer[0]" in outcome.err
    assert not list((tmp_path / "runs").rglob("result.json"))


def test_what_a_plugin_prints_is_not_among_the_json(tmp_path: Path, chosen: Choice) -> None:
    write_plugin(tmp_path, PLUGIN)
    path = write_experiment(tmp_path, optimizer=[{"name": "./plugin.py:Loud", "lr": 0.1}, *TWO])
    assert statuses(run(path, tmp_path / "runs", chosen).out) == ["completed"] * 3


def test_a_run_that_another_process_holds_is_left_to_it(tmp_path: Path, chosen: Choice) -> None:
    path = write_experiment(tmp_path, optimizer=TWO)
    told = Options(runs_dir=tmp_path / "runs")
    held, free = plan_runs(load_experiments([path], told), told, lambda _: None).to_train
    held.directory.mkdir(parents=True)
    with RunLock(held.directory):
        found = [e for e in events(path, tmp_path / "runs", chosen) if isinstance(e, Busy | Ended)]
    assert {type(event): event.run.hash for event in found} == {
        Busy: held.run.hash,
        Ended: free.run.hash,
    }


def test_force_trains_beside_and_takes_the_place_with_the_same_bytes(
    tmp_path: Path, chosen: Choice
) -> None:
    path = write_experiment(tmp_path, optimizer=TWO)
    expected = alone(tmp_path, optimizer=TWO)
    before = {
        p.parent.name: p.stat().st_mtime_ns for p in (tmp_path / "alone").rglob("result.json")
    }
    assert run(path, tmp_path / "alone", chosen, "--force").code == 0
    after = {p.parent.name: p.stat().st_mtime_ns for p in (tmp_path / "alone").rglob("result.json")}
    assert stored(tmp_path / "alone") == expected
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())


def test_ctrl_c_stores_every_run_in_training_and_the_command_goes_on_later(
    tmp_path: Path, chosen: Choice
) -> None:
    expected = alone(tmp_path, **LONG)
    path = write_experiment(tmp_path, **LONG)
    arguments = ["run", str(path), "--runs-dir", str(tmp_path / "runs"), *chosen.words]
    with Child(*arguments, cwd=tmp_path) as process:
        process.wait_for("adam lr=0.01")
        process.wait_for("sgd lr=0.1")
        workers = psutil.Process(process.process.pid).children(recursive=True)
        process.signal(signal.SIGINT)
        assert process.wait() == 130
    assert not psutil.wait_procs(workers, GONE)[1]
    found = {status_of(found.parent) for found in (tmp_path / "runs").rglob("result.json")}
    assert "interrupted" in found
    assert found <= {"interrupted", "completed"}  # the second may have begun late
    assert command(*arguments).code == 0
    assert stored(tmp_path / "runs") == expected


def test_nothing_outlives_a_command_that_is_killed(tmp_path: Path, chosen: Choice) -> None:
    path = write_experiment(tmp_path, **LONG)
    arguments = ["run", str(path), "--runs-dir", str(tmp_path / "runs"), *chosen.words]
    with Child(*arguments, cwd=tmp_path) as process:
        process.wait_for("adam lr=0.01")
        workers = psutil.Process(process.process.pid).children(recursive=True)
        process.signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert not psutil.wait_procs(workers, GONE)[1]
