"""What goes on with a run, from its start to its stored end, for whoever wants to watch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.spec import Run
    from optbench.store.result import Result
    from optbench.training.records import Evaluation, Step


@dataclass(frozen=True)
class Started:
    """A run begins, or goes on from `steps`; `total` is how many it has in all.

    Its last row is of step `measured`, 0 where there is none. A step takes `step_examples`.
    `cohort` runs train together, this one among them. `warning` says which of its checkpoints are
    damaged, and why it does not go on from a shorter run that is there; it is empty where nothing
    is amiss.
    """

    run: Run
    problem: str
    data: str
    device: str
    steps: int
    measured: int
    total: int
    epochs: int
    step_examples: int
    cohort: int
    warning: str = ""


@dataclass(frozen=True)
class Advanced:
    """A running run has done something worth showing."""

    run: Run
    record: Step | Evaluation


@dataclass(frozen=True)
class Ended:
    """A run is over, stored at `directory`."""

    run: Run
    directory: Path
    result: Result


@dataclass(frozen=True)
class Busy:
    """Another process trains a run, and it is left to that one."""

    run: Run
    directory: Path


@dataclass(frozen=True)
class Unbegun:
    """A run that does not begin, as its data are not those any more that the command began with."""

    run: Run
    directory: Path
    reason: str


Event = Started | Advanced | Ended | Busy | Unbegun
