"""What a training cohort yields; progress, pruning and storage are consumers of this stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from optbench.store.metrics import Row


@dataclass(frozen=True)
class Step:
    """A sign of life between rows: the steps done so far and the interval's mean loss."""

    run: int
    steps: int
    loss: float


@dataclass(frozen=True)
class Evaluation:
    """A row of metrics.csv, and the seconds that its interval took."""

    run: int
    row: Row
    train_seconds: float
    evaluation_seconds: float


@dataclass(frozen=True)
class Commit:
    """A point to resume from; `state` makes the checkpoint's bytes, while the consumer holds it.

    What it is given by name is kept in them beside the state.
    """

    run: int
    steps: int
    state: Callable[..., bytes]


@dataclass(frozen=True)
class LastState:
    """The run has done all its steps, and keeps its state: a run of more epochs goes on from it.

    Before the row that only an end has, so that it is the state of the longer run. `state` as that
    of a `Commit`; `End` follows.
    """

    run: int
    state: Callable[..., bytes]


@dataclass(frozen=True)
class End:
    """The run is over: all its steps done, or its loss no longer finite.

    `weights` makes the bytes of the final parameters; `state_bytes` counts the optimizer's.
    """

    run: int
    status: Literal["completed", "diverged"]
    reason: str | None
    weights: Callable[[], bytes]
    state_bytes_per_parameter: float


@dataclass(frozen=True)
class Failure:
    """The run is over: its own model, optimizer or schedule raised `error`."""

    run: int
    error: BaseException


Record = Step | Evaluation | Commit | LastState | End | Failure
