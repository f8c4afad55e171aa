"""What a command, the process that talks to Ray for it, and tasks tell each other, as bytes.

Runs that the other side has go by their place in the plan, or by their hash.
"""

from __future__ import annotations

import io
import math
import pickle
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any

from optbench.config.spec import Run
from optbench.execution.wire import Broken, Done, Happened, Moved
from optbench.store.staged import Staged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from optbench.execution.cluster.connection import RayOptions
    from optbench.execution.plan import Plan, Planned
    from optbench.store.result import Result


@dataclass(frozen=True)
class Versions:
    """What has to be the same on every node for what is sent to mean the same."""

    optbench: str
    torch: str
    python: str

    def difference(self, other: Versions) -> str:
        """The first that differs, `torch 2.10.0 instead of 2.11.0`; empty where none does."""
        for name in ("optbench", "torch", "python"):
            theirs, ours = getattr(other, name), getattr(self, name)
            if theirs != ours:
                return f"{name} {theirs or 'is not installed'} instead of {ours}"
        return ""


@dataclass(frozen=True)
class Assigned:
    """A run of a cohort: its place in the plan, and what the driver's store has of it.

    `path` is its directory there, `checkpoints` are their contents by path, the newest first; the
    last state of a shorter run that it goes on from is among them.
    """

    index: int
    planned: Planned
    path: Path
    stored: Result | None
    checkpoints: Mapping[Path, bytes]


@dataclass(frozen=True)
class Written:
    """A task has called a method of the directory of the plan's run of this index.

    Where all machines see the store, `Staged` stands for each argument that is bytes.
    """

    index: int
    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Placed:
    """A task has begun on the node of this id."""

    node: str


FromTask = Placed | Staged | Written | Happened | Moved | Broken


@dataclass(frozen=True)
class Order:
    """What a command has carried out: at most `workers` cohorts at a time, if it says so.

    `until` is as in `Interruptions`.
    """

    plan: Plan
    data_dir: Path
    asked: RayOptions
    workers: int | None = None
    until: float = math.inf


@dataclass(frozen=True)
class Said:
    """A line for whoever watches the command."""

    text: str


FromDriver = Happened | Moved | Said | Broken | Done


class _Pickler(ForkingPickler):
    """As for worker processes, but for runs that the other side has: their hashes."""

    def __init__(self, stream: io.BytesIO, known: frozenset[str]) -> None:
        super().__init__(stream, pickle.HIGHEST_PROTOCOL)
        self.known = known

    def persistent_id(self, value: object) -> str | None:
        return value.hash if isinstance(value, Run) and value.hash in self.known else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: bytes, runs: Mapping[str, Run]) -> None:
        super().__init__(io.BytesIO(content))
        self.runs = runs

    def persistent_load(self, run_hash: str) -> Run:
        return self.runs[run_hash]


def packed(value: object, known: frozenset[str] = frozenset()) -> bytes:
    """A message's bytes; runs of these hashes are named by them alone."""
    stream = io.BytesIO()
    _Pickler(stream, known).dump(value)
    return stream.getvalue()


def unpacked(content: bytes, runs: Mapping[str, Run]) -> Any:
    """The message; only what comes from a cluster that has let this command in is unpacked."""
    return _Unpickler(content, runs).load()
