"""One small run: what it leaves when nothing stops it, and how to go on with it."""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING, Any

from experiments import TINY_EPOCH_STEPS, Child, only_directory, write_experiment

from optbench.execution.study import Options, load_experiments, plan_runs, train_plan
from optbench.store.leftovers import delete, find_leftovers
from optbench.training.events import Ended, Started
from optbench.training.part import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Bytes = dict[str, bytes]

RESULTS = ("metrics.csv", "weights.pt")
# Dropout, a schedule, Adam's state and rows across the ends of epochs: all has to go on.
PARTS: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [5], "dropout": 0.3},
    "schedule": {"name": "exponentiallr", "gamma": 0.9},
}


class OneRun:
    """An experiment of one run in a folder; `commit_steps` is how far apart checkpoints are."""

    def __init__(self, folder: Path, epochs: int, commit_steps: int = TINY_EPOCH_STEPS) -> None:
        self.training: dict[str, Any] = {"epochs": epochs, "batch_size": 16}
        self.training["evaluate_every"] = {"steps": 3}
        self.commit_steps = commit_steps
        if commit_steps != TINY_EPOCH_STEPS:
            self.training["checkpoint_every"] = {"steps": commit_steps}
        self.steps = epochs * TINY_EPOCH_STEPS
        (folder / "warm").mkdir()
        with self.begin(folder / "warm") as process:  # the first is forked once torch is imported
            assert process.wait() == 0
        began = monotonic()
        with self.begin(folder) as process:
            assert process.wait() == 0
        self.seconds = monotonic() - began
        self.whole = results(folder)
        self.names = names(folder)

    def write(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        return write_experiment(folder, training=self.training, **PARTS)

    def begin(
        self,
        folder: Path,
        prepare: Callable[[], object] = int,
        options: Sequence[str] = ("--quiet",),
    ) -> Child:
        """The run in a process of its own."""
        return Child("run", self.write(folder), *options, cwd=folder, prepare=prepare)

    def go_on(self, folder: Path) -> int:
        """Train what is left, in this process; the step from which that went on."""
        options = Options(runs_dir=folder / "runs")
        plan = plan_runs(load_experiments([self.write(folder)], options), options, lambda _: None)
        events = list(train_plan(plan, options))
        if not events:
            return self.steps  # it was finished
        assert isinstance(events[-1], Ended)
        return events[0].steps if isinstance(events[0], Started) else self.steps

    def assert_whole(self, folder: Path) -> None:
        """What a run that was never stopped would have left; `runs prune` finds all else."""
        for leftover in find_leftovers(folder / "runs"):
            delete(leftover.path)
        assert results(folder) == self.whole
        assert names(folder) == self.names


def results(folder: Path) -> Bytes:
    directory = only_directory(folder / "runs")
    return {name: (directory / name).read_bytes() for name in RESULTS}


def names(folder: Path) -> set[str]:
    """Paths of all that a store holds; a log of what was left aside may be among it."""
    store = folder / "runs"
    return {str(path.relative_to(store)) for path in store.rglob("*") if path.name != "log.txt"}


def tell_steps(path: Path) -> None:
    """Have each step that this process begins leave a byte in a file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    write, step = os.write, Part.step

    def told(self: Part, *arguments: Any, **named: Any) -> None:
        write(descriptor, b".")
        step(self, *arguments, **named)

    Part.step = told  # type: ignore[method-assign]


def told_steps(path: Path) -> int:
    """How many steps were begun by all processes that told."""
    return path.stat().st_size if path.exists() else 0
