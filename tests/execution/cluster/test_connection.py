"""Clusters that are not there, not ours, or open to everybody: one clear error, and no hang."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from experiments import PACKAGE, command, run_module, write_experiment
from fake_ray import EXCEPTIONS
from ray_cluster import RayNodes

from optbench.errors import EnvironmentFault
from optbench.execution.cluster.connection import RayOptions, connected
from optbench.execution.signals import Interruptions

if TYPE_CHECKING:
    from pathlib import Path

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'optbench[ray]'"
)


def refusal(tmp_path: Path, *words: str, code: int, by: str = "run", **parts: Any) -> str:
    path = write_experiment(tmp_path, **parts)
    outcome = command(by, path, "--runs-dir", tmp_path / "runs", *words)
    assert outcome.code == code, outcome.err
    assert not list(tmp_path.rglob("result.json"))
    return outcome.err


def test_without_ray_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *more: find("no_ray" if name == "ray" else name)
    )
    told = refusal(tmp_path, "--executor", "ray", code=2)
    assert told == "--executor ray needs Ray: pip install 'optbench[ray]'\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--executor", "slurm"], "--executor must be local or ray, got slurm\n"),
        (
            ["--shared-store"],
            "--ray-address, --ray-gpus, --ray-insecure and --shared-store need --executor ray\n",
        ),
        (
            ["--executor", "ray", "--dry-run"],
            "--dry-run tries a few steps in this process; leave --executor ray out\n",
        ),
    ],
)
@pytest.mark.parametrize("by", ["run", "tune"])
def test_words_that_do_not_go_together_are_refused(
    tmp_path: Path, words: list[str], told: str, by: str
) -> None:
    space = {"name": "adam", "lr": {"loguniform": [1e-4, 1e-1]}}
    parts: dict[str, Any] = {"optimizer": space} if by == "tune" else {}
    assert refusal(tmp_path, *words, code=2, by=by, **parts) == told


@pytest.mark.parametrize("by", [("verify", "study.yaml"), ("runs", "retry")])
@pytest.mark.parametrize("words", [("--ray-gpus", "1"), ("--shared-store",)])
def test_words_of_a_cluster_are_refused_without_one(
    by: tuple[str, ...], words: tuple[str, ...]
) -> None:
    told = command(*by, *words)
    assert (told.code, told.out) == (2, "")
    assert told.err == (
        "--ray-address, --ray-gpus, --ray-insecure and --shared-store need --executor ray\n"
    )


@needs_ray
@pytest.mark.parametrize("address", ["somewhere", "host:port", ":6379"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, address: str) -> None:
    told = refusal(tmp_path, "--executor", "ray", "--ray-address", address, code=2)
    assert told == f"--ray-address must be auto or HOST:PORT, got {address}\n"


@needs_ray
def test_the_address_of_rays_client_is_refused(tmp_path: Path) -> None:
    told = refusal(tmp_path, "--executor", "ray", "--ray-address", "ray://head:10001", code=2)
    assert "run this on a node of the cluster" in told


@needs_ray
def test_an_address_where_nobody_listens_is_told_at_once(tmp_path: Path) -> None:
    told = refusal(tmp_path, "--executor", "ray", "--ray-address", "127.0.0.1:9", code=4)
    assert told.startswith("no Ray cluster answers at 127.0.0.1:9: ")


@needs_ray
def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optbench.execution.cluster.connection.DEADLINE", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with (
            pytest.raises(EnvironmentFault) as told,
            connected(RayOptions(address), 1, Interruptions()),
        ):
            pass
    assert str(told.value) == f"no Ray cluster answers at {address} within 3 s"


def test_what_ray_says_of_other_versions_comes_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the words of Ray's `check_version_info`, of a cluster of this machine's own."""

    def init(**_: object) -> None:
        raise RuntimeError(
            "Version mismatch: The cluster was started with:\n    Ray: 2.9.0\n    Python: 3.10.1\n"
            "This process on node 10.0.0.2 was started with:\n    Ray: 2.53.0\n    Python: 3.11.7\n"
        )

    ray = ModuleType("ray")
    vars(ray).update(init=init, shutdown=lambda: None, exceptions=EXCEPTIONS)
    monkeypatch.setitem(sys.modules, "ray", ray)
    with (
        pytest.raises(EnvironmentFault, match=r"Ray: 2\.9\.0 Python: 3\.10\.1") as told,
        connected(RayOptions(), 1, Interruptions()),
    ):
        pass
    assert str(told.value).endswith("; install the same Ray and Python on every machine of it")


@needs_ray
@pytest.mark.slow
def test_an_open_cluster_is_used_only_if_told_so(tmp_path: Path) -> None:
    path = write_experiment(tmp_path)
    with RayNodes(nodes=1, token=None) as cluster:
        words = ("run", path, "-q", "--executor", "ray", "--ray-address", cluster.address)
        refused = run_module(*words, cwd=tmp_path, environment=cluster.environment)
        assert refused.code == 2
        assert "start it with a token, or allow it by --ray-insecure" in refused.err
        assert not list(tmp_path.rglob("result.json"))
        allowed = run_module(
            *words, "--ray-insecure", cwd=tmp_path, environment=cluster.environment, timeout=300
        )
        assert (allowed.code, allowed.err) == (0, "")


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_token_that_is_missing_or_wrong_is_told(tmp_path: Path, token: str) -> None:
    path = write_experiment(tmp_path)
    with RayNodes(nodes=1) as cluster:
        told = run_module(
            *("run", path, "-q", "--executor", "ray", "--ray-address", cluster.address),
            cwd=tmp_path,
            environment={"RAY_AUTH_TOKEN": token, "HOME": str(tmp_path)},
        )
    assert told.code == 2
    said = "does not take the token of this machine" if token else "asks for a token"
    assert f"{said}; put the cluster's into RAY_AUTH_TOKEN" in told.err


@needs_ray
def test_a_cluster_of_this_machine_listens_on_the_loopback_alone_and_leaves_nothing() -> None:
    code = """
import os, pathlib, psutil
from optbench.execution.cluster.connection import RayOptions, connected
from optbench.execution.signals import Interruptions
with connected(RayOptions(), 1, Interruptions()) as ray:
    children = psutil.Process().children(recursive=True)
    listening = {
        found.laddr.ip
        for process in children
        for found in process.net_connections("inet")
        if found.status == psutil.CONN_LISTEN
    }
print(*sorted({ip.removeprefix("::ffff:") for ip in listening}))
left = pathlib.Path("/tmp").glob(f"optbench-ray-{os.getpid()}-*")
print(len(psutil.wait_procs(children, 60)[1]), *left)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.stdout.splitlines() == ["127.0.0.1", "0"], ended.stderr
