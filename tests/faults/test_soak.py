"""Ten thousand small runs, killed and resumed at random: nothing is lost or left over."""

from __future__ import annotations

import gc
import itertools
import os
import random
import signal
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest
from experiments import Child, command, write_experiment

from faults.counts import is_full
from faults.known_study import say_begun, warm_up
from faults.sabotage import Sabotage
from optbench.errors import Interrupted
from optbench.execution.study import Options, load_experiments, plan_runs, train_plan
from optbench.store.leftovers import find_leftovers
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from faults.injections import Injection
    from optbench.training.events import Event

pytestmark = [pytest.mark.faults, pytest.mark.slow]

STUDIES, RUNS = (40, 250) if is_full() else (4, 6)
SECONDS = 1800.0 if is_full() else 0.0  # in which further studies are begun
LONGEST = 1.5  # seconds until the first kill
GROWTH = 32 << 20  # bytes; a tenth of a percent of a run's process, kept by each, would be as much
FILES = {"config.yaml", "lock", "metrics.csv", "result.json", "timing.csv", "weights.pt"}


class Kept(NamedTuple):
    """What a process has open, and bytes that it has in memory."""

    descriptors: int
    threads: int
    memory: int

    @classmethod
    def now(cls) -> Kept:
        gc.collect()
        this = psutil.Process()
        return cls(this.num_fds(), this.num_threads(), this.memory_info().rss)


def write_study(folder: Path, index: int) -> Path:
    return write_experiment(
        folder,
        f"study{index}",
        optimizer={"name": "adam", "lr": (index + 1) / 1000},
        training={"epochs": 1, "batch_size": 16},
        seeds=RUNS,
    )


def killed(path: Path, draw: random.Random) -> int:
    """Train a study in one process after the other, all but the last killed; how many were."""
    for kills in itertools.count():
        with Child("run", path, "--quiet", cwd=path.parent, prepare=say_begun) as process:
            process.wait_for("begun")
            process.process.join(draw.uniform(0, LONGEST * (1 + kills / 4)))  # which ends
            with suppress(ProcessLookupError):
                process.signal(draw.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
            if process.wait() == 0:
                return kills
    raise AssertionError


def interrupted(path: Path, draw: random.Random) -> int:
    """Train a study in this process, interrupted at random; how often it was."""
    options = Options(runs_dir=path.parent / "runs")
    for interruptions in itertools.count():
        plan = plan_runs(load_experiments([path], options), options, lambda _: None)
        stream: Generator[Event, None, None] = train_plan(plan, options)
        count = draw.randint(1, RUNS * (1 + interruptions))  # which ends
        if sum(1 for _ in itertools.islice(stream, count)) < count:
            return interruptions
        with suppress(Interrupted):
            stream.throw(Interrupted(130))
    raise AssertionError


def contents(store: Path, study: str) -> dict[str, bytes]:
    """metrics.csv and weights.pt of each run of a study."""
    found = [*store.glob(f"{study}/*/metrics.csv"), *store.glob(f"{study}/*/weights.pt")]
    return {str(path.relative_to(store)): path.read_bytes() for path in found}


def test_runs_that_are_killed_and_resumed_for_long_leave_nothing_behind(
    tmp_path: Path, injecting: Callable[[str, str], Injection]
) -> None:
    runs = injecting("soak", "small runs, trained while kills and interruptions come at random")
    stops = injecting("soak", "SIGKILL, SIGTERM, SIGINT or an interruption, at random moments")
    warm_up()
    draw = random.Random(0)
    folder, store = tmp_path, tmp_path / "runs"
    (folder / "calm").mkdir()
    kept, end = [], monotonic() + SECONDS
    for index in itertools.count():
        if index >= STUDIES and monotonic() > end:
            break
        path = write_study(folder, index)
        count = (interrupted if index % 2 else killed)(path, draw)
        with stops.holds(count), runs.holds(RUNS):
            found = scan(store / path.stem).runs
            assert [run.status for run in found] == ["completed"] * RUNS
        if index % 2:
            kept.append(Kept.now())
    with Child("runs", "prune", "--yes", cwd=folder) as process:
        assert process.wait() == 0
    assert not find_leftovers(store)
    for run in scan(store).runs:
        assert {path.name for path in run.path.iterdir()} <= FILES
        run.check_every_file()
    assert command("runs", "repair", store).code == 0
    for index in (0, 1):
        path = write_study(folder / "calm", index)
        assert command("run", path, "--runs-dir", folder / "calm" / "runs", "--quiet").code == 0
        assert contents(store, path.stem) == contents(folder / "calm" / "runs", path.stem)
    assert {one.descriptors for one in kept} == {kept[0].descriptors}
    assert {one.threads for one in kept} == {kept[0].threads}
    middle = len(kept) // 2
    assert kept[-1].memory - kept[middle].memory < GROWTH
    assert not psutil.Process(os.getpid()).children() or is_only_forkserver()


def is_only_forkserver() -> bool:
    """Whether this process has no children but those that fork others off for tests."""
    lines = [" ".join(child.cmdline()) for child in psutil.Process().children()]
    return all("multiprocessing" in line for line in lines)


SABOTAGE = (
    Sabotage(
        "soak",
        "letting go of a lock",
        "optbench/store/lock.py",
        "    ) -> None:\n        os.close(self._descriptor)\n",
        "    ) -> None:\n        pass\n",
        "test_runs_that_are_killed_and_resumed_for_long_leave_nothing_behind",
    ),
)
