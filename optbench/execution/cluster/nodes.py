"""What a cluster's nodes have for cohorts, and what a cohort asks of one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.execution.deal import Rehearsed


@dataclass(frozen=True)
class Nodes:
    """Of all nodes that are alive: ids, processors, GPUs, and bytes of the one with the most.

    `share` is the smallest share of memory that a processor has on any of them.
    """

    cpus: int
    gpus: float
    largest: int
    share: int
    ids: frozenset[str] = frozenset()

    @classmethod
    def alive(cls, ray: Any) -> Nodes:
        """As Ray knows them now. Raises `EnvironmentFault` where none has a processor."""
        living = [node for node in ray.nodes() if node["Alive"]]
        found = [node["Resources"] for node in living]
        able = [node for node in found if node.get("CPU", 0) >= 1]
        if not able:
            raise EnvironmentFault("no node of the Ray cluster has a processor to offer")
        memory = [int(node.get("memory", 0)) for node in able]
        return cls(
            cpus=sum(int(node["CPU"]) for node in able),
            gpus=sum(node.get("GPU", 0) for node in able),
            largest=max(memory),
            share=min(has // int(node["CPU"]) for has, node in zip(memory, able, strict=True)),
            ids=frozenset(node["NodeID"] for node in living),
        )

    def gpus_for(self, devices: Iterable[str], asked: float) -> float:
        """The GPUs of a cohort of a plan with these devices: `asked`, or none.

        Raises `UsageError` for a device that no cluster gives, or not this one.
        """
        names = set(devices)
        if not 0 < asked <= 1:
            raise UsageError(f"--ray-gpus must be above 0 and at most 1, got {asked:g}")
        for name in sorted(names - {"auto", "cpu", "cuda"}):
            raise UsageError(f"device: Ray chooses where a run trains; say cuda or cpu, got {name}")
        if "cuda" in names and not self.gpus:
            raise UsageError("device: there is no cuda here; no node of the Ray cluster has a GPU")
        return asked if "cuda" in names or ("auto" in names and self.gpus) else 0.0

    def slots(self, gpus: float) -> int:
        """How many cohorts can train at a time, each on that part of a GPU or on a processor."""
        return max(int(self.gpus / gpus), 1) if gpus else self.cpus

    def shared(self, rehearsed: Rehearsed, gpus: float) -> Rehearsed:
        """What one node has found, as if it were about all: a place for each cohort on a GPU."""
        if not gpus:
            return rehearsed
        return dataclasses.replace(
            rehearsed,
            devices=("cuda",) * self.slots(gpus),
            device_bytes=int(rehearsed.device_bytes * gpus),
        )
