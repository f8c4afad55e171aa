"""A cluster whose head is gone, or a driver that dies: one line, and the command goes on later."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from experiments import DEADLINE, PACKAGE, command, only_directory, status_of, write_experiment
from fake_ray import drive_by
from ray_cluster import RayNodes

from optbench.execution.cluster.study import LOOK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

LONG: dict[str, Any] = {
    "dataset": {"name": "synthetic", "train": 4000, "test": 30, "features": 6, "classes": 3},
    "training": {"epochs": 60, "batch_size": 16},
}
GONE = (
    "the head of the Ray cluster does not answer any more; every run is stored where it last "
    "committed, and the same command goes on once the cluster is back\n"
)


def exit_as_ray_does() -> None:
    """A driver that is ended without a word."""
    os._exit(1)


def die() -> None:
    """A driver that is killed."""
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (exit_as_ray_does, GONE),
        (die, "the process that talks to Ray died (SIGKILL)\n"),
    ],
)
def test_a_driver_that_dies_ends_the_command_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: Callable[[], None], told: str
) -> None:
    drive_by(function, monkeypatch)
    words = ("run", write_experiment(tmp_path), "--runs-dir", tmp_path / "runs")
    outcome = command(*words, "--executor", "ray")
    assert (outcome.code, outcome.err) == (4, told)
    assert command(*words).code == 0


needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'optbench[ray]'"
)


@contextmanager
def training(
    cluster: RayNodes, words: Sequence[str | Path], environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """The command on the cluster, from when a run is seen to train."""
    on = ["--executor", "ray", "--ray-address", cluster.address]
    with subprocess.Popen(
        [sys.executable, "-m", "optbench", *words, *on],
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)} | cluster.environment | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any("adam lr=0.01" in line for line in process.stdout)
        yield process


@pytest.mark.slow
@needs_ray
def test_ctrl_c_stores_where_runs_are_while_a_head_that_is_gone_is_waited_for(
    tmp_path: Path,
) -> None:
    path = write_experiment(tmp_path, **LONG | {"training": {"epochs": 1000, "batch_size": 16}})
    with RayNodes(nodes=1) as cluster:
        words: tuple[str | Path, ...] = ("run", path, "--runs-dir", tmp_path / "runs")
        with training(cluster, words, {}) as process:
            (driver,) = psutil.Process(process.pid).children()
            cluster.kill("127.0.0.2")
            with pytest.raises(psutil.TimeoutExpired):  # the head is asked every other second
                driver.wait(3 * LOOK)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=DEADLINE)
        assert process.returncode == 130, said
    assert status_of(only_directory(tmp_path / "runs")) == "interrupted"


@pytest.mark.slow
@needs_ray
def test_a_head_that_dies_ends_the_command_and_nothing_is_lost(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, **LONG)
    words: tuple[str | Path, ...] = ("run", path, "--runs-dir", tmp_path / "runs")
    quick = {"RAY_gcs_rpc_server_reconnect_timeout_s": "5"}  # instead of 60
    with RayNodes(nodes=1) as cluster:
        with training(cluster, words, quick) as process:
            children = psutil.Process(process.pid).children(recursive=True)
            cluster.kill("127.0.0.2")
            _, said = process.communicate(timeout=DEADLINE)
        assert (process.returncode, said) == (4, GONE)
        assert not psutil.wait_procs(children, 60)[1]
    directory = only_directory(tmp_path / "runs")
    assert status_of(directory) == "running"  # which reads as interrupted, as nobody holds it
    assert (directory / "checkpoint.pt").exists()
    assert command(*words).code == 0
    assert command("run", path, "--runs-dir", tmp_path / "alone").code == 0
    alone = only_directory(tmp_path / "alone")
    for name in ("metrics.csv", "weights.pt"):
        assert (directory / name).read_bytes() == (alone / name).read_bytes()
