"""Worker processes: the same bytes however many, and none that outlives its command."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from experiments import TINY, Child, command, write_experiment, write_plugin

from optbench import run
from optbench.execution.standby import Standby
from optbench.execution.study import Options, load_experiments, plan_runs, train_plan
from optbench.execution.workers import cores, worker_count
from optbench.training.events import Busy

if TYPE_CHECKING:
    from pathlib import Path

ADAM = TINY["optimizer"]
TWO = [ADAM, {"name": "sgd", "lr": 0.1}]
LONG: dict[str, Any] = {
    "dataset": {"name": "synthetic", "train": 4000, "test": 30, "features": 6, "classes": 3},
    "training": {"epochs": 60, "batch_size": 16},
}
GONE = 60  # seconds, for what takes well under ten


def results(store: Path) -> dict[str, bytes]:
    """metrics.csv and weights.pt of every run, by the run directory's name."""
    files = (path for name in ("metrics.csv", "weights.pt") for path in store.rglob(name))
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in files}


@pytest.mark.parametrize("workers", [2, 5])
def test_runs_have_the_same_bytes_in_any_number_of_processes(tmp_path: Path, workers: int) -> None:
    path = write_experiment(tmp_path, optimizer=TWO)
    run(path, seeds="2", runs_dir=tmp_path / "alone", workers=1)
    stored = run(path, seeds="2", runs_dir=tmp_path / "together", workers=workers)
    assert len(stored) == 4
    assert results(tmp_path / "together") == results(tmp_path / "alone")


def test_what_workers_tell_does_not_make_their_parent_import_torch(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, optimizer=TWO)
    code = (
        "import sys; from optbench import run\n"
        "run(sys.argv[1], runs_dir=sys.argv[2], workers=2)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, path, tmp_path / "runs"], check=True)


def test_a_process_that_dies_without_a_run_takes_no_other_along(tmp_path: Path) -> None:
    diverging = {"name": "sgd", "lr": 1e30}  # at once: its process has nothing to do any more
    many = {"epochs": 2000, "batch_size": 16}
    path = write_experiment(
        tmp_path, dataset=LONG["dataset"], optimizer=[ADAM, diverging], training=many
    )
    arguments = ("run", path, "--runs-dir", tmp_path / "runs", "--workers", "2")
    with Child(*arguments, cwd=tmp_path) as process:
        process.wait_for("diverged")
        workers = psutil.Process(process.process.pid).children()
        min(workers, key=lambda worker: worker.cpu_percent(0.2)).kill()
        process.wait_for("adam lr=0.01", times=100)  # more than was printed meanwhile
        process.signal(signal.SIGINT)
        assert process.wait() == 130


def test_a_process_that_dies_before_it_can_train_ends_the_command(tmp_path: Path) -> None:
    source = "import os, torch\nos._exit(9)\nclass Never(torch.optim.SGD): ...\n"
    write_plugin(tmp_path, source)
    path = write_experiment(tmp_path, optimizer=[{"name": "./plugin.py:Never"}, *TWO])
    outcome = command("run", path, "--runs-dir", tmp_path / "runs", "--workers", "2")
    assert outcome.code == 4
    assert outcome.err == "a worker could not begin: its process died (exit code 9)\n"


def test_little_work_stays_in_this_process_unless_told_otherwise(tmp_path: Path) -> None:
    little = planned(tmp_path, seeds=3)
    assert worker_count(little, None) == 1
    assert worker_count(little, 2) == 2
    assert worker_count(little, 64) == 3  # a run each
    much = planned(tmp_path, seeds=64, training={"epochs": 200, "batch_size": 16})
    assert worker_count(much, None) == min(cores(), 64)  # 64 x 200 x 60 examples: 768,000


def test_no_worker_at_all_is_refused(tmp_path: Path) -> None:
    path = write_experiment(tmp_path)
    outcome = command("run", path, "--runs-dir", tmp_path / "runs", "--workers", "0")
    assert (outcome.code, outcome.err) == (2, "--workers must be 1 or more, got 0\n")
    command("run", path, "--runs-dir", tmp_path / "runs", "--quiet")
    again = command("run", path, "--runs-dir", tmp_path / "runs", "--workers", "0")
    assert again.code == 2  # though there is nothing to train


def planned(folder: Path, **parts: Any) -> Any:
    options = Options(runs_dir=folder / "runs")
    path = write_experiment(folder, **parts)
    return plan_runs(load_experiments([path], options), options, lambda _: None)


def trained_by(folder: Path, name: str, seeds: str, standby: Standby) -> set[int]:
    """Train an experiment in two processes; the ids of those that then wait."""
    path = write_experiment(folder, name, optimizer=TWO)
    options = Options(runs_dir=folder / "runs", seeds=seeds, workers=2)
    plan = plan_runs(load_experiments([path], options), options, lambda _: None)
    assert not [e for e in train_plan(plan, options, standby=standby) if isinstance(e, Busy)]
    return {member.process.pid for member in standby.members}


def test_processes_on_standby_train_the_next_plan_and_end_with_the_last(tmp_path: Path) -> None:
    with Standby() as standby:
        first = trained_by(tmp_path, "first", "4", standby)
        assert first
        second = trained_by(tmp_path, "second", "10-13", standby)
        assert first & second
    assert not any(psutil.pid_exists(pid) for pid in first | second)
    path = write_experiment(tmp_path, "alone", optimizer=TWO)
    run(path, seeds="0-3,10-13", runs_dir=tmp_path / "alone", workers=1)
    assert results(tmp_path / "runs") == results(tmp_path / "alone")


def test_a_process_that_dies_on_standby_is_replaced(tmp_path: Path) -> None:
    with Standby() as standby:
        first = trained_by(tmp_path, "first", "4", standby)
        for member in standby.members:
            member.process.kill()
            member.process.wait()
        assert not first & trained_by(tmp_path, "second", "10-13", standby)
