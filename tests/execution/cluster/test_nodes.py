"""What a cluster offers, and what is refused for want of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from optbench.errors import EnvironmentFault, UsageError
from optbench.execution.cluster.nodes import Nodes
from optbench.execution.deal import Rehearsed

CPUS = Nodes(cpus=6, gpus=0, largest=16, share=2)
GPUS = Nodes(cpus=6, gpus=3, largest=16, share=2)


def cluster(*nodes: dict[str, Any]) -> Any:
    named = [node | {"NodeID": str(number)} for number, node in enumerate(nodes)]
    return SimpleNamespace(nodes=lambda: named)


def test_dead_nodes_and_heads_without_a_processor_do_not_count() -> None:
    found = Nodes.alive(
        cluster(
            {"Alive": True, "Resources": {"CPU": 4.0, "memory": 8e9, "GPU": 1.0}},
            {"Alive": True, "Resources": {"CPU": 2.0, "memory": 9e9}},
            {"Alive": True, "Resources": {"memory": 99e9}},
            {"Alive": False, "Resources": {"CPU": 64.0, "memory": 1e9, "GPU": 8.0}},
        )
    )
    assert found == Nodes(6, 1.0, 9_000_000_000, 2_000_000_000, frozenset({"0", "1", "2"}))


def test_a_cluster_without_a_processor_is_refused() -> None:
    with pytest.raises(EnvironmentFault, match="no node of the Ray cluster has a processor"):
        Nodes.alive(cluster({"Alive": True, "Resources": {"memory": 9e9}}))


@pytest.mark.parametrize(
    ("nodes", "device", "expected"),
    [(CPUS, "auto", 0), (CPUS, "cpu", 0), (GPUS, "cpu", 0), (GPUS, "auto", 1), (GPUS, "cuda", 1)],
)
def test_a_cohort_asks_for_a_gpu_where_it_would_train_on_one(
    nodes: Nodes, device: str, expected: float
) -> None:
    assert nodes.gpus_for([device], 1.0) == expected


def test_parts_of_gpus_make_more_places() -> None:
    assert GPUS.slots(GPUS.gpus_for(["cuda"], 0.5)) == 6
    assert GPUS.slots(0) == 6
    found = Rehearsed(("cuda:0",), {}, process_bytes=1, device_bytes=80)
    shared = GPUS.shared(found, 0.25)
    assert shared.devices == ("cuda",) * 12
    assert shared.device_bytes == 20


@pytest.mark.parametrize(
    ("devices", "asked", "told"),
    [
        (["cuda"], 1.0, "device: there is no cuda here; no node of the Ray cluster has a GPU"),
        (["cuda:1"], 1.0, "device: Ray chooses where a run trains; say cuda or cpu, got cuda:1"),
        (["mps"], 1.0, "device: Ray chooses where a run trains; say cuda or cpu, got mps"),
        (["cpu"], 2.0, "--ray-gpus must be above 0 and at most 1, got 2"),
        (["cpu"], 0.0, "--ray-gpus must be above 0 and at most 1, got 0"),
    ],
)
def test_what_no_node_can_give_is_refused(devices: list[str], asked: float, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        CPUS.gpus_for(devices, asked)
    assert str(refused.value) == told
