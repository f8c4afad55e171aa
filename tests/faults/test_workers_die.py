"""Worker processes that die or hang, and a command that is killed with its workers left."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import signal
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from experiments import Child, command, make_learner, make_runs, write_experiment, write_plugin

from faults.counts import is_full, times
from faults.known_study import results
from faults.sabotage import Sabotage
from optbench.execution.process import Process
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.injections import Injection

pytestmark = [pytest.mark.faults, pytest.mark.slow]

# Only initial weights tell an optimizer which seed it has.
DEADLY = """
import os, resource, signal, torch

def out_of_memory():
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**24, used + 2**24))
    return [bytearray(2**20) for _ in range(2**12)]

ENDS = {
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "abort": os.abort,
    "SIGSTOP": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "exit": lambda: os._exit(0),
    "out of memory": out_of_memory,
}

class Deadly(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr, momentum=0.9)
        first = self.param_groups[0]["params"][0]
        self.cursed = str(float(first.detach().sum())) in os.environ.get("CURSED", "").split()

    def step(self, closure=None):
        state = self.state[self.param_groups[0]["params"][0]]  # goes into checkpoints
        state["count"] = state.get("count", 0) + 1
        if self.cursed and state["count"] == 6:  # in the second epoch of four steps each
            ENDS[os.environ["END"]]()
        return super().step(closure)
"""
REASONS = {
    "SIGKILL": "its process died (SIGKILL)",
    "abort": "its process died (SIGABRT)",
    "SIGSTOP": "its process died (it was stopped and did not go on)",
    "exit": "its process died (exit code 0)",
    "out of memory": "MemoryError: ",
}
PARTS: dict[str, Any] = {"optimizer": {"name": "./plugin.py:Deadly", "lr": 0.1}}
OPTIONS = ("--workers", "1", "--json", "--quiet")  # a process of its own: it is no code of ours
# In a tenth the cohort of fifty stands for the others.
ENDS = list(REASONS) if is_full() else ["SIGSTOP"]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], dict[str, bytes]]:
    """What so many seeds leave when nothing dies."""
    known: dict[int, dict[str, bytes]] = {}

    def of(seeds: int) -> dict[str, bytes]:
        if seeds not in known:
            folder = tmp_path_factory.mktemp("calm")
            assert command("run", study(folder, seeds), *in_store(folder)).code == 0
            known[seeds] = results(folder)
        return known[seeds]

    return of


def study(folder: Path, seeds: int) -> Path:
    write_plugin(folder, DEADLY)
    return write_experiment(folder, seeds=seeds, **PARTS)


def in_store(folder: Path) -> tuple[str, ...]:
    return (*OPTIONS, "--runs-dir", str(folder / "runs"))


def trained(folder: Path) -> dict[str, bytes]:
    """What the runs have left that have come to their ends."""
    found = results(folder)
    ended = {path.rpartition("/")[0] for path in found if path.endswith("weights.pt")}
    return {path: content for path, content in found.items() if path.rpartition("/")[0] in ended}


def curse(folder: Path, monkeypatch: pytest.MonkeyPatch, end: str, seeds: list[int]) -> None:
    """Have the runs of these seeds end their processes so; the study is written afterwards."""
    write_plugin(folder, DEADLY)
    runs = make_runs(folder, seeds=seeds, **PARTS)
    first = [next(make_learner(run).model.parameters()) for run in runs]
    marks = [str(float(parameter.detach().sum())) for parameter in first]
    monkeypatch.setenv("CURSED", " ".join(marks))
    monkeypatch.setenv("END", end)
    monkeypatch.setattr("optbench.execution.pool.LOOK", 0.5)
    # Far more than a step takes, and what a worker that nobody ends would be waited for.
    monkeypatch.setenv("OPTBENCH_PATIENCE", "15")
    monkeypatch.setattr("optbench.execution.pool.SILENCES", 10)


def bound_processes(monkeypatch: pytest.MonkeyPatch, seeds: int, culprits: int) -> None:
    """Let the command begin no more than it takes to halve down to each culprit."""
    most = 1 + culprits * (1 + math.ceil(math.log2(seeds)))
    begun, begin = itertools.count(1), Process.__init__

    def counted(self: Process, *arguments: Any, **named: Any) -> None:
        assert next(begun) <= most, f"more than {most} processes"
        begin(self, *arguments, **named)

    monkeypatch.setattr(Process, "__init__", counted)


def assert_only_failed(folder: Path, seeds: int, culprits: list[int], reason: str) -> None:
    """The culprits have failed for that reason, and every other run is trained."""
    outcome = command("run", folder / "tiny.yaml", *in_store(folder))
    assert outcome.code == 3, outcome.err
    told = {line["seed"]: line for line in map(json.loads, outcome.out.splitlines())}
    failed = {seed: line["reason"] for seed, line in told.items() if line["status"] == "failed"}
    assert sorted(failed) == culprits
    assert all(text.startswith(reason) for text in failed.values())
    assert len(told) == seeds


@pytest.mark.parametrize("end", ENDS)
def test_a_process_that_ends_takes_one_run_of_its_cohort_along(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    calm: Callable[[int], dict[str, bytes]],
    end: str,
    injecting: Callable[[str, str], Injection],
) -> None:
    fault = injecting("workers", "SIGKILL, abort, exit, SIGSTOP or no memory left, in a cohort")
    draw = random.Random(end)
    seeds = 10 if is_full() else 3
    whole = calm(seeds)
    for trial in range(times(4)):
        folder = tmp_path / str(trial)
        folder.mkdir()
        culprits = sorted(draw.sample(range(seeds), draw.choice([1, 2, 3]) if is_full() else 1))
        with fault.holds(len(culprits)):
            with monkeypatch.context() as patch:
                curse(folder, patch, end, culprits)
                bound_processes(patch, seeds, len(culprits))
                study(folder, seeds)
                assert_only_failed(folder, seeds, culprits, REASONS[end])
            assert trained(folder).items() <= whole.items()
            assert len(trained(folder)) == 2 * (seeds - len(culprits))


def test_of_fifty_runs_that_train_together_one_is_lost(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    calm: Callable[[int], dict[str, bytes]],
    injecting: Callable[[str, str], Injection],
) -> None:
    fault = injecting("workers", "SIGKILL of a worker with a cohort of fifty stacked runs")
    draw = random.Random(50)
    whole = calm(50)
    for trial in range(times(5)):
        folder = tmp_path / str(trial)
        folder.mkdir()
        culprit = draw.randrange(50)
        with fault.holds():
            with monkeypatch.context() as patch:
                curse(folder, patch, "SIGKILL", [culprit])
                bound_processes(patch, 50, 1)
                study(folder, 50)
                assert_only_failed(folder, 50, [culprit], REASONS["SIGKILL"])
            assert trained(folder).items() <= whole.items()


LONG: dict[str, Any] = {
    "optimizer": [{"name": "adam", "lr": 0.01}, {"name": "sgd", "lr": 0.1}],
    "dataset": {"name": "synthetic", "train": 200, "test": 30, "features": 6, "classes": 3},
    "training": {"epochs": 15, "batch_size": 16},
    "seeds": 2,
}


def test_a_killed_command_leaves_no_worker_and_goes_on_with_what_is_unfinished(
    tmp_path: Path, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("parent", "SIGKILL of a command with two workers, at a random moment")
    (tmp_path / "whole").mkdir()
    options = ("--workers", "1", "--json", "--quiet")
    path = write_experiment(tmp_path / "whole", **LONG)
    assert command("run", path, "--runs-dir", tmp_path / "whole" / "runs", *options).code == 0
    whole = results(tmp_path / "whole")
    draw = random.Random(0)
    for trial in range(times(20)):
        folder = tmp_path / str(trial)
        folder.mkdir()
        path = write_experiment(folder, **LONG)
        with Child("run", path, "--workers", "2", cwd=folder) as process:
            process.wait_for("lr=", times=draw.randint(1, 40))
            workers = psutil.Process(process.process.pid).children(recursive=True)
            process.process.kill()
            assert process.wait() == -signal.SIGKILL
        with fault.holds():
            assert len(workers) == 2
            assert not psutil.wait_procs(workers, 5 if is_full() else 60)[1]
            stored = scan(folder / "runs").runs
            ended = [run.path / "result.json" for run in stored if run.finished]
            finished = {path: path.stat().st_mtime_ns for path in ended}
            again = command("run", path, "--runs-dir", folder / "runs", *options)
            assert again.code == 0
            assert {path: path.stat().st_mtime_ns for path in finished} == finished
            assert results(folder) == whole


ENDLESS = """
import pathlib, signal, torch

class Endless(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        self.steps_done = 0

    def step(self, closure=None):
        self.steps_done += 1
        if self.steps_done == 6:
            pathlib.Path("begun").write_text("")
            while True:
                signal.pause()
        return super().step(closure)
"""


def test_a_worker_that_says_nothing_ends_with_its_command(
    tmp_path: Path, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("parent", "SIGKILL of a command whose worker is in a step without end")
    for trial in range(times(10)):
        folder = tmp_path / str(trial)
        folder.mkdir()
        write_plugin(folder, ENDLESS)
        os.mkfifo(folder / "begun")
        path = write_experiment(folder, optimizer={"name": "./plugin.py:Endless", "lr": 0.1})
        with Child("run", path, "--quiet", cwd=folder) as process:
            (folder / "begun").read_text()  # waits for who writes
            (worker,) = psutil.Process(process.process.pid).children(recursive=True)
            process.process.kill()
            assert process.wait() == -signal.SIGKILL
        with fault.holds():
            assert not psutil.wait_procs([worker], 5 if is_full() else 30)[1]
            (run,) = scan(folder / "runs").runs
            assert run.status == "interrupted"


SABOTAGE = (
    Sabotage(
        "workers",
        "trying the runs of a dead worker again",
        "optbench/execution/pool.py",
        "self.waiting.extendleft(reversed(halves(left)))",
        "pass",
        "test_of_fifty_runs_that_train_together_one_is_lost",
    ),
    Sabotage(
        "workers",
        "ending a worker that is stopped",
        "optbench/execution/pool.py",
        "            member.end_if_stopped()\n",
        "            pass\n",
        "test_a_process_that_ends_takes_one_run_of_its_cohort_along[SIGSTOP]",
    ),
    Sabotage(
        "workers",
        "halving what is tried again",
        "optbench/execution/deaths.py",
        "    half = (len(left) + 1) // 2\n",
        "    half = len(left)\n",
        "test_of_fifty_runs_that_train_together_one_is_lost",
    ),
    Sabotage(
        "parent",
        "the lifeline of workers",
        "optbench/execution/process.py",
        "    with suppress(OSError):\n        os.read(lifeline, 1)\n",
        "    time.sleep(1e6)\n",
        "test_a_worker_that_says_nothing_ends_with_its_command",
    ),
    Sabotage(
        "parent",
        "knowing what is finished",
        "optbench/store/index.py",
        "    if stored.result.run != run_hash or not stored.finished:\n",
        "    if True:\n",
        "test_a_killed_command_leaves_no_worker_and_goes_on_with_what_is_unfinished",
    ),
)
