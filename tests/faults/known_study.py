"""A small study: what it leaves when nothing stops it, and how to go on with it."""

from __future__ import annotations

import os
import signal
import sys
from functools import cache, partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from experiments import TINY_EPOCH_STEPS, Child, signal_at, write_experiment

from optbench.execution.study import Options, load_experiments, plan_runs, train_plan
from optbench.store.leftovers import delete, find_leftovers
from optbench.training.events import Started
from optbench.training.part import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Bytes = dict[str, bytes]

RESULTS = ("metrics.csv", "weights.pt")
# Dropout, a schedule, Adam's state and rows across the ends of epochs: all has to go on.
PARTS: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [5], "dropout": 0.3},
    "schedule": {"name": "exponentiallr", "gamma": 0.9},
}


class KnownStudy:
    """An experiment in a folder, trained there once; `commit_steps` lie between checkpoints.

    It has a run for each of some seeds, which train together; `parts` replace those of the file.
    """

    def __init__(
        self,
        folder: Path,
        epochs: int,
        commit_steps: int = TINY_EPOCH_STEPS,
        seeds: int = 1,
        options: Sequence[str] = ("--quiet",),
        **parts: Any,
    ) -> None:
        training: dict[str, Any] = {"epochs": epochs, "batch_size": 16}
        training["evaluate_every"] = {"steps": 3}
        training["checkpoint_every"] = {"steps": commit_steps}
        self.parts = PARTS | {"training": training, "seeds": seeds} | parts
        self.options = options
        self.commit_steps = commit_steps
        self.steps = epochs * TINY_EPOCH_STEPS
        warm_up()
        began = monotonic()
        with self.begin(folder) as process:
            assert process.wait() == 0
        self.seconds = monotonic() - began
        self.whole = results(folder)
        self.names = names(folder)

    def write(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        return write_experiment(folder, **self.parts)

    def begin(self, folder: Path, prepare: Callable[[], object] = int) -> Child:
        """The command in a process of its own."""
        return Child("run", self.write(folder), *self.options, cwd=folder, prepare=prepare)

    def begin_and_be_killed(self, folder: Path) -> None:
        """Train until SIGKILL comes in the third epoch, with checkpoints of the two before.

        What the thread was writing that stores them is taken away, as `runs prune` would.
        """
        step = 2 * TINY_EPOCH_STEPS + 2
        kill = partial(signal_at, "optbench.training.part:Part.step", step, signal.SIGKILL)
        with self.begin(folder, kill) as process:
            assert process.wait() == -signal.SIGKILL
        _prune(folder)

    def go_on(self, folder: Path) -> int:
        """Train what is left, in this process; the step from which the last one went on."""
        options = Options(runs_dir=folder / "runs")
        plan = plan_runs(load_experiments([self.write(folder)], options), options, lambda _: None)
        events = list(train_plan(plan, options))
        started = [event.steps for event in events if isinstance(event, Started)]
        return min(started, default=self.steps)

    def assert_whole(self, folder: Path) -> None:
        """What a study that was never stopped would have left; `runs prune` finds all else."""
        _prune(folder)
        assert results(folder) == self.whole
        assert names(folder) == self.names


@cache
def _prune(folder: Path) -> None:
    for leftover in find_leftovers(folder / "runs"):
        delete(leftover.path)


def warm_up() -> None:
    """Wait for what the first child process waits for: that torch is imported."""
    with Child("--version", cwd=Path("/")) as process:
        assert process.wait() == 0


def say_begun() -> None:
    """Have a child process tell that its command begins."""
    sys.stdout.write("begun\n")
    sys.stdout.flush()


def results(folder: Path) -> Bytes:
    """metrics.csv and weights.pt of every run, by their paths."""
    store = folder / "runs"
    found = (path for name in RESULTS for path in store.glob(f"*/[!.]*/{name}"))
    return {str(path.relative_to(store)): path.read_bytes() for path in found}


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
