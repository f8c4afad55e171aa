"""A node of a Ray cluster dies, hangs and comes back; a stranger comes. Nothing is lost, or run."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from experiments import PACKAGE, write_experiment
from ray_cluster import RayNodes

from faults.counts import times
from faults.sabotage import Sabotage
from optbench.catalog.datasets.mnist import MNIST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faults.injections import Injection

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'optbench[ray]'"
    ),
]
PATIENCE = 900  # seconds, for a study that takes well under a minute on idle cores
# Where $OPTBENCH_DATA has MNIST a fifth of it, else the part that comes with optbench.
HAS_MNIST = not MNIST.missing(Path(os.environ.get("OPTBENCH_DATA", "")))
# The benchmarks' study of 50 runs, on less.
STUDY: dict[str, Any] = {
    "dataset": {"name": "mnist", "train": 12_000} if HAS_MNIST else "mnist-5k",
    "model": {"name": "mlp", "hidden": [128]},
    "optimizer": [
        {"name": "adam", "lr": {"logspace": [1e-4, 1e-2, 5]}},
        {"name": "sgd", "lr": {"logspace": [1e-2, 1, 5]}},
    ],
    "training": {"epochs": 2, "batch_size": 64},
    "seeds": 5,
}
SEED = 20  # of the moments and the nodes


class Study:
    """The study in a folder, as worker processes of this machine train it."""

    def __init__(self, folder: Path) -> None:
        self.path = write_experiment(folder, "study", **STUDY)
        self.expected = self.trained(folder / "local")

    def trained(self, store: Path, *words: str, environment: dict[str, str] | None = None) -> Any:
        process = begin(self.path, store, *words, environment=environment)
        out, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, out
        return metrics(store)


def begin(
    path: Path, store: Path, *words: str, environment: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "optbench", "run", path, "--runs-dir", store, *words],
        cwd=path.parent,
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)} | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def metrics(store: Path) -> dict[str, bytes]:
    """metrics.csv and weights.pt of every run."""
    found = (path for name in ("metrics.csv", "weights.pt") for path in store.rglob(name))
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in found}


def wait_for(done: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Until something is so, or a command has ended."""
    began = monotonic()
    while not done():
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            assert monotonic() - began < PATIENCE
        else:
            return


def wait_until(moment: float, process: subprocess.Popen[str]) -> None:
    wait_for(lambda: monotonic() >= moment, process)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("study"))


@pytest.fixture
def cluster() -> Iterator[RayNodes]:
    with RayNodes() as nodes:
        yield nodes


def on(cluster: RayNodes) -> tuple[str, ...]:
    return "--executor", "ray", "--ray-address", cluster.address


def begun(store: Path) -> bool:
    return any(store.rglob("checkpoint.pt"))


def test_a_study_loses_nothing_with_a_node_killed_in_the_middle(
    tmp_path: Path,
    study: Study,
    cluster: RayNodes,
    injecting: Callable[[str, str], Injection],
) -> None:
    fault = injecting("ray-node", "SIGKILL to all of a node, at random in the study of 50 runs")
    began = monotonic()
    calm = study.trained(tmp_path / "calm", *on(cluster), environment=cluster.environment)
    seconds = monotonic() - began
    assert calm == study.expected
    draw = random.Random(SEED)
    attempt = 0
    while fault.injected < times(20):
        attempt += 1
        store = tmp_path / str(attempt)
        process = begin(study.path, store, *on(cluster), environment=cluster.environment)
        wait_for(lambda store=store: begun(store), process)  # type: ignore[misc]
        wait_until(monotonic() + draw.uniform(0, seconds / 3), process)
        node = draw.choice(sorted(set(cluster.started) - {"127.0.0.2"}))
        in_the_middle = process.poll() is None
        cluster.kill(node)
        out, _ = process.communicate(timeout=PATIENCE)
        if in_the_middle:
            with fault.holds():
                assert process.returncode == 0, out
                assert metrics(store) == study.expected
        cluster.add(node)


@pytest.mark.parametrize("more", [(), ("--shared-store",)])
def test_a_node_that_is_given_up_and_comes_back_changes_nothing(
    tmp_path: Path,
    study: Study,
    cluster: RayNodes,
    more: tuple[str, ...],
    injecting: Callable[[str, str], Injection],
) -> None:
    row = ["SIGSTOP to all of a node, SIGCONT once its runs are elsewhere", *more]
    fault = injecting("ray-node", ", ".join(row))
    store = tmp_path / "runs"
    words = (*on(cluster), *more)
    with begin(study.path, store, *words, environment=cluster.environment) as process:
        wait_for(lambda: begun(store), process)
        cluster.signal("127.0.0.3", signal.SIGSTOP)
        lines: list[str] = []
        for line in process.stdout or ():
            lines.append(line)
            if "go on elsewhere" in line:
                cluster.signal("127.0.0.3", signal.SIGCONT)
            if "A worker died" in line:  # none has: the same attempt is given up again and again
                process.kill()
        with fault.holds():
            assert process.wait(PATIENCE) == 0, lines
            assert any("go on elsewhere" in line for line in lines)
            assert metrics(store) == study.expected
            assert not list(store.glob(".staging-*"))


TRESPASS = """
import pathlib, sys
import ray
@ray.remote(num_cpus=0)
def trespass():
    pathlib.Path(sys.argv[2]).touch()
host = sys.argv[1].partition(":")[0]
ray.init(address=sys.argv[1], _node_ip_address=host, logging_level="ERROR")
ray.get(trespass.remote(), timeout=20)
"""


TOKENS = pytest.mark.parametrize("token", [None, "guessed"])


def assert_turned_away(folder: Path, address: str, token: str | None) -> None:
    """A client with this token gets nothing run at an address."""
    hidden = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}
    own = {name: value for name, value in os.environ.items() if name not in hidden}
    own["HOME"] = str(folder)  # where Ray looks for a token
    own["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # 127.0.0.1 is meant as it is written
    own |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token} if token else {}
    trace = folder / "trace"
    ended = subprocess.run(
        [sys.executable, "-c", TRESPASS, address, trace],
        env=own,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert ended.returncode != 0
    assert b"uthenticat" in ended.stderr
    assert not trace.exists()


@TOKENS
def test_a_stranger_gets_nothing_run(
    tmp_path: Path,
    cluster: RayNodes,
    token: str | None,
    injecting: Callable[[str, str], Injection],
) -> None:
    fault = injecting("ray-stranger", f"a client with {token or 'no'} token")
    for _ in range(times(10)):
        with fault.holds():
            assert_turned_away(tmp_path, cluster.address, token)


def addresses_of(pid: int) -> set[str]:
    """Where the clusters that a process has started take clients, as their nodes are told."""
    option = "--gcs-address="
    words = (
        word
        for child in psutil.Process(pid).children(recursive=True)
        if child.name() == "raylet"
        for word in child.cmdline()
    )
    return {word.removeprefix(option) for word in words if word.startswith(option)}


@TOKENS
def test_a_stranger_gets_nothing_run_on_a_cluster_of_the_commands_own(
    tmp_path: Path, token: str | None, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting(
        "ray-stranger", f"{token or 'no'} token, on a cluster that the command started"
    )
    store = tmp_path / "runs"
    long = STUDY | {"training": {"epochs": 1000, "batch_size": 64}}
    path = write_experiment(tmp_path, "study", **long)
    with begin(path, store, "-q", "--executor", "ray") as process:
        try:
            wait_for(lambda: begun(store), process)
            (address,) = addresses_of(process.pid)
            for _ in range(times(5)):
                with fault.holds():
                    assert_turned_away(tmp_path, address, token)
        finally:
            process.terminate()


SABOTAGE = [
    Sabotage(
        row="ray-stranger",
        off="the token of a command's own cluster",
        file="optbench/execution/cluster/connection.py",
        text='    "RAY_AUTH_MODE": "token",\n',
        replacement='    "RAY_AUTH_MODE": "disabled",\n',
        test="test_a_stranger_gets_nothing_run_on_a_cluster_of_the_commands_own",
    ),
    Sabotage(
        row="ray-node",
        off="leaving the attempt of a node that is given up",
        file="optbench/execution/cluster/study.py",
        text="        self._forget(attempt)\n        self.next_look =",
        replacement="        self.next_look =",
        test="test_a_node_that_is_given_up_and_comes_back_changes_nothing",
    ),
    Sabotage(
        row="ray-node",
        off="trying the runs of a lost node again",
        file="optbench/execution/cluster/study.py",
        text="            self.waiting.appendleft(tuple(left))\n",
        replacement="            pass\n",
        test="test_a_study_loses_nothing_with_a_node_killed_in_the_middle",
    ),
]
