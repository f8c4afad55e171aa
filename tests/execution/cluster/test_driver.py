"""A command and the process that talks to Ray for it: what goes from one to the other."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from experiments import TINY, command, write_experiment
from fake_ray import FakeRay, drive_by

import optbench
from optbench.execution.cluster import driver
from optbench.execution.standby import Standby
from optbench.execution.study import asked, load_experiments, plan_runs, train_plan
from optbench.training.events import Ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TWO = [TINY["optimizer"], {"name": "sgd", "lr": 0.1}]


@contextmanager
def fake_cluster(*_: object) -> Iterator[FakeRay]:
    yield FakeRay()


def drive_a_fake_cluster() -> None:
    vars(driver)["connected"] = fake_cluster
    driver.main()


@contextmanager
def broken_cluster(*_: object) -> Iterator[Any]:
    yield object()


def drive_a_broken_cluster() -> None:
    vars(driver)["connected"] = broken_cluster
    driver.main()


def stored(store: Path) -> dict[str, bytes]:
    files = (path for name in ("metrics.csv", "weights.pt") for path in store.rglob(name))
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in files}


def driven_by(folder: Path, seeds: str, standby: Standby) -> set[int]:
    """Train an experiment on a cluster; the ids of the processes that then wait."""
    path = write_experiment(folder, optimizer=TWO)
    options = asked(runs_dir=folder / "runs", seeds=seeds, executor="ray")
    plan = plan_runs(load_experiments([path], options), options, lambda _: None)
    ended = [e for e in train_plan(plan, options, standby=standby) if isinstance(e, Ended)]
    assert [event.result.status for event in ended] == ["completed"] * len(plan.to_train)
    return {member.process.pid for member in standby.members}


def test_a_search_joins_its_cluster_once_and_stores_the_bytes_that_this_process_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive_by(drive_a_fake_cluster, monkeypatch)
    with Standby() as standby:
        first = driven_by(tmp_path, "2", standby)
        assert len(first) == 1
        assert driven_by(tmp_path, "10-12", standby) == first
    assert not any(psutil.pid_exists(pid) for pid in first)
    path = write_experiment(tmp_path, optimizer=TWO)
    optbench.run(path, seeds="0-1,10-12", runs_dir=tmp_path / "alone", workers=1)
    assert stored(tmp_path / "runs") == stored(tmp_path / "alone")


def test_what_a_cluster_can_not_do_is_told_as_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive_by(drive_a_fake_cluster, monkeypatch)
    path = write_experiment(tmp_path, device="cuda")
    told = command("run", path, "--runs-dir", tmp_path / "runs", "--executor", "ray")
    assert told.code == 2
    assert told.err == "device: there is no cuda here; no node of the Ray cluster has a GPU\n"


def test_a_mistake_of_the_program_is_told_with_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive_by(drive_a_broken_cluster, monkeypatch)
    with pytest.raises(RuntimeError, match=r"study\.py.*\n.*\n.*\nAttributeError: 'object'"):
        optbench.run(write_experiment(tmp_path), runs_dir=tmp_path / "runs", executor="ray")
