"""Runs trained side by side, and everything that tells one training of a run from another."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from experiments import make_learner
from torch import Tensor

from optbench.store.metrics import format_rows
from optbench.training.checkpoint import from_bytes
from optbench.training.device import reproducible
from optbench.training.loop import train
from optbench.training.records import Commit, End, Failure, LastState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from optbench.config.spec import Run
    from optbench.training.learner import Learner

    Trace = dict[str, object]


def traces(learners: Sequence[Learner]) -> list[Trace]:
    """Train a cohort to its end: each run's rows, end, weights, and state at every commit."""
    found: list[Trace] = [{} for _ in learners]
    with reproducible(torch.device("cpu")):
        for record in train(learners):
            learner, trace = learners[record.run], found[record.run]
            match record:
                case Commit():
                    trace |= _state(learner)
                    trace.setdefault("bytes", len(record.state()))
                case End(status="completed"):
                    # What was drawn ahead of the last step is taken back for a commit alone.
                    state = _state(learner).items()
                    trace |= {name: value for name, value in state if ".noise" not in name}
                    trace["weights"] = hashlib.sha256(record.weights()).hexdigest()
                    trace["memory"] = record.state_bytes_per_parameter
                case End(reason=reason):
                    trace["diverged"] = reason
                case Failure(error=error):
                    trace["failed"] = repr(error)
    for learner, trace in zip(learners, found, strict=True):
        trace["rows"] = format_rows(learner.rows).splitlines()
    return found


def alone(runs: Sequence[Run], make: Callable[[Run], Learner] = make_learner) -> list[Trace]:
    """Each run trained by itself."""
    return [traces([make(run)])[0] for run in runs]


def in_cohorts(
    runs: Sequence[Run], size: int, make: Callable[[Run], Learner] = make_learner, order: int = 0
) -> list[Trace]:
    """The runs trained in cohorts of that size, dealt out at random; in the order given."""
    dealt = torch.randperm(len(runs), generator=torch.Generator().manual_seed(order)).tolist()
    found: dict[int, Trace] = {}
    for start in range(0, len(runs), size):
        chosen = dealt[start : start + size]
        found |= zip(chosen, traces([make(runs[index]) for index in chosen]), strict=True)
    return [found[index] for index in range(len(runs))]


def stopped(learners: Sequence[Learner], steps: int) -> list[bytes]:
    """The checkpoints of a cohort at a step; nothing else of it is left."""
    sealed: dict[int, bytes] = {}
    with reproducible(torch.device("cpu")):
        for record in train(learners):
            if isinstance(record, Commit) and record.steps == steps:
                sealed[record.run] = record.state()
                if len(sealed) == len(learners):
                    break
    return [sealed[index] for index in range(len(learners))]


def resumed(run: Run, sealed: bytes) -> Learner:
    learner = make_learner(run)
    learner.restore(from_bytes(sealed, run.hash))
    return learner


def last_states(learners: Sequence[Learner]) -> list[bytes]:
    """What runs that keep their last state have of it, trained to their end as a cohort."""
    found: dict[int, bytes] = {}
    with reproducible(torch.device("cpu")):
        for record in train(learners):
            if isinstance(record, LastState):
                found[record.run] = record.state()
    return [found[index] for index in range(len(learners))]


def begun(long: Run, short: Run, sealed: bytes) -> Learner:
    """A longer run where a shorter one of the same has ended."""
    learner = make_learner(long)
    learner.restore(from_bytes(sealed, short.hash))
    return learner


def assert_ends_as(found: Trace, whole: Trace) -> None:
    """All of it, but for the commits that a resumed run doesn't see again.

    What was loaded shares fewer strings, so that its checkpoint is larger.
    """
    values = {key: value for key, value in found.items() if not key.startswith("bytes")}
    assert values == {key: whole[key] for key in values}
    assert {"rows", "weights", "memory"} <= set(found)


def _state(learner: Learner) -> Trace:
    """All of a checkpoint but what took how long, by name and step."""
    timed = ("timings", "train_seconds")
    state = {name: value for name, value in learner.state().items() if name not in timed}
    return dict(_leaves(f"step {learner.steps}", state))


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    match value:
        case Tensor():
            content = value.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
            digest = hashlib.sha256(content).hexdigest()
            yield name, (value.dtype, tuple(value.shape), digest)
        case dict():
            for key, item in value.items():
                yield from _leaves(f"{name}.{key}", item)
        case list() | tuple():
            for index, item in enumerate(value):
                yield from _leaves(f"{name}.{index}", item)
        case _:
            yield name, repr(value)
