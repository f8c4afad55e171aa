"""What a command and its worker processes say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.execution.cohorts import Cohort
    from optbench.execution.deal import Rehearsed
    from optbench.execution.plan import Plan
    from optbench.training.events import Busy, Ended, Started, Unbegun
    from optbench.training.records import Evaluation, Step


def _view(content: dict[str, object]) -> MappingProxyType[str, object]:
    return MappingProxyType(content)


# Settings are frozen with mappings that pickle doesn't know.
ForkingPickler.register(MappingProxyType, lambda view: (_view, (dict(view),)))


@dataclass(frozen=True)
class Task:
    """The first message to a worker: what there is to train, and from which data.

    One of the workers rehearses the plan for all. `until` is as in `Interruptions`.
    """

    plan: Plan
    data_dir: Path
    rehearse: bool
    until: float


@dataclass(frozen=True)
class Ready:
    """A worker can train; what it found if it was to rehearse."""

    rehearsed: Rehearsed | None


@dataclass(frozen=True)
class Train:
    """Train a cohort, the plan's runs of these indices; `cuda` means `device` for them."""

    cohort: Cohort
    device: str


@dataclass(frozen=True)
class Happened:
    """A run has begun or ended, or is another process's, or can't begin."""

    event: Started | Ended | Busy | Unbegun


@dataclass(frozen=True)
class Moved:
    """The plan's run of this index goes on: many a second, so that the run itself stays here."""

    index: int
    record: Step | Evaluation


@dataclass(frozen=True)
class MovedTogether:
    """Runs of a cohort have gone on side by side: to take a message costs more than to read it."""

    runs: tuple[Moved, ...]


@dataclass(frozen=True)
class Done:
    """The cohort's runs are stored; the worker waits for the next."""


@dataclass(frozen=True)
class Broken:
    """The worker ends, since nothing that it could train would go better."""

    error: BaseException


FromWorker = Ready | Happened | Moved | MovedTogether | Done | Broken
