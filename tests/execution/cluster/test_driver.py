"""A command and the process that talks to Ray for it: what goes from one to the other."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from experiments import TINY, command, write_experiment, write_plugin
from fake_ray import FakeRay, drive_by

import optbench
from optbench.execution.cluster import driver
from optbench.execution.standby import Standby
from optbench.execution.study import asked, load_experiments, plan_runs, train_plan
from optbench.training.events import Ended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.execution.cluster.connection import RayOptions

TWO = [TINY["optimizer"], {"name": "sgd", "lr": 0.1}]


@contextmanager
def fake_cluster(asked: RayOptions, *_: object) -> Iterator[FakeRay]:
    """Its address is a file that says, once it is there, that the cluster was used."""
    if asked.address is not None:
        Path(asked.address).touch()
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


def test_verify_trains_what_claims_lack_on_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive_by(drive_a_fake_cluster, monkeypatch)
    state = {"metric": "state_bytes", "setting": {"optimizer": "sgd"}, "at_most": 0}
    path = write_experiment(tmp_path, optimizer=TWO, expect=[state])
    on = ("--executor", "ray", "--ray-address", tmp_path / "used")
    told = [
        command("verify", path, "--runs-dir", tmp_path / name, *more)
        for name, more in (("runs", (*on, "--shared-store")), ("alone", ("--workers", "1")))
    ]
    assert [outcome.code for outcome in told] == [0, 0], told
    assert (tmp_path / "used").exists()
    assert stored(tmp_path / "runs") == stored(tmp_path / "alone")


FRAGILE = """
import pathlib, torch

class Fragile(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)

    def step(self, closure=None):
        if not pathlib.Path(__file__).with_name("mended").exists():
            raise RuntimeError("not yet")
        return super().step(closure)
"""


def test_failed_runs_are_tried_again_on_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive_by(drive_a_fake_cluster, monkeypatch)
    write_plugin(tmp_path, FRAGILE)
    path = write_experiment(tmp_path, optimizer={"name": "./plugin.py:Fragile", "lr": 0.1})
    assert command("run", path, "--runs-dir", tmp_path / "runs").code == 3
    (tmp_path / "mended").touch()
    on = ("--executor", "ray", "--ray-address", tmp_path / "used")
    told = command("runs", "retry", tmp_path / "runs", *on)
    assert told.code == 0, told.err
    assert told.out.endswith("1 run tried again: 1 completed\n")
    assert (tmp_path / "used").exists()
    assert command("run", path, "--runs-dir", tmp_path / "alone", "--workers", "1").code == 0
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
