"""Nodes that are not as this machine is: named before anything is trained there."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from experiments import PACKAGE, run_module, write_experiment
from ray_cluster import RayNodes

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'optbench[ray]'"
    ),
]


def refusal(tmp_path: Path, cluster: RayNodes, code: int, **parts: Any) -> str:
    outcome = run_module(
        *("run", write_experiment(tmp_path, **parts), "-q", "--executor", "ray"),
        *("--ray-address", cluster.address),
        cwd=tmp_path,
        environment=cluster.environment,
        timeout=300,
    )
    assert outcome.code == code, outcome.err
    assert not list(tmp_path.rglob("result.json"))
    return outcome.err


def test_a_node_with_another_torch_is_named(tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "torch-9.9.9.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 9.9.9\n")
    path = f"{other.parent}:{PACKAGE.parent}"
    with RayNodes(nodes=1, of_nodes={"PYTHONPATH": path}) as cluster:
        told = refusal(tmp_path, cluster, 4)
    assert " has torch 9.9.9 instead of " in told
    assert "install the same on every node of the cluster" in told


# What a head of another version would have stored of itself, as Ray looks for it.
ANOTHER_RAY = """
import json, sys
from ray._raylet import GcsClient
stored = GcsClient(address=sys.argv[1])
key, space = b"CLUSTER_METADATA", b"cluster"
told = json.loads(stored.internal_kv_get(key, namespace=space)) | {sys.argv[2]: "2.9.0"}
stored.internal_kv_put(key, json.dumps(told).encode(), overwrite=True, namespace=space)
"""


@pytest.mark.parametrize(("key", "name"), [("ray_version", "Ray"), ("python_version", "Python")])
def test_a_cluster_with_another_ray_or_python_is_refused(
    tmp_path: Path, key: str, name: str
) -> None:
    with RayNodes(nodes=1) as cluster:
        subprocess.run(
            [sys.executable, "-c", ANOTHER_RAY, cluster.address, key],
            env=os.environ | cluster.environment,
            check=True,
        )
        told = refusal(tmp_path, cluster, 4)
    assert told.startswith(f"can't use the Ray cluster at {cluster.address}: Version mismatch: ")
    assert f"{name}: 2.9.0" in told
    assert told.endswith("; install the same Ray and Python on every machine of it\n")


def test_a_node_without_optbench_is_told_of(tmp_path: Path) -> None:
    with RayNodes(nodes=1, of_nodes={"PYTHONPATH": str(tmp_path)}) as cluster:
        told = refusal(tmp_path, cluster, 4)
    assert told.startswith("a worker could not begin: ")
    assert "optbench" in told


def test_a_gpu_that_no_node_has_is_refused(tmp_path: Path) -> None:
    with RayNodes(nodes=1) as cluster:
        told = refusal(tmp_path, cluster, 2, device="cuda")
    assert told == "device: there is no cuda here; no node of the Ray cluster has a GPU\n"


def test_data_that_neither_object_store_nor_disk_take_end_the_command(tmp_path: Path) -> None:
    data = {"name": "synthetic", "train": 300_000, "test": 30, "features": 100, "classes": 3}
    crowded = {"RAY_local_fs_capacity_threshold": "0.001"}  # the disk counts as full beyond
    with RayNodes(nodes=1, of_all=crowded) as cluster:
        told = refusal(tmp_path, cluster, 4, dataset=data)
    assert told.startswith("Ray's object store has no room (Local disk is full)")
