"""SIGKILL at any moment: what goes on afterwards ends with the bytes of a run never stopped."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from experiments import PACKAGE, TINY_EPOCH_STEPS

from faults.counts import is_full, times
from faults.known_study import KnownStudy, tell_steps, told_steps
from faults.sabotage import Sabotage
from faults.storage_calls import kill_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from experiments import Child

    from faults.injections import Injection

pytestmark = [pytest.mark.faults, pytest.mark.slow]
COMMITS = [TINY_EPOCH_STEPS, 2]
EVERY = ["a checkpoint an epoch", "two checkpoints an epoch"]


@pytest.fixture(scope="module", params=COMMITS, ids=EVERY)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> KnownStudy:
    return KnownStudy(tmp_path_factory.mktemp("whole"), epochs=2, commit_steps=request.param)


@pytest.fixture(scope="module", params=COMMITS, ids=EVERY)
def longer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> KnownStudy:
    # It trains for about as long as it takes to begin.
    return KnownStudy(tmp_path_factory.mktemp("whole"), epochs=8, commit_steps=request.param)


def prepared(steps: Path, call: int = 0) -> None:
    """In the process that is to be killed."""
    tell_steps(steps)
    if call:
        kill_at(call)


def killed_after(process: Child, seconds: float) -> bool:
    """Kill a process at a moment, if it has not ended by then."""
    process.process.join(seconds)
    process.process.kill()
    return process.wait() == -signal.SIGKILL


def assert_goes_on(run: KnownStudy, folder: Path) -> None:
    begun = told_steps(folder / "steps")
    twice = begun - run.go_on(folder)
    assert twice <= run.commit_steps
    run.assert_whole(folder)


def test_a_kill_at_any_change_of_the_disk_costs_nothing(
    tmp_path: Path, run: KnownStudy, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting(
        "killed", "SIGKILL before and within every write, before every fsync, rename and deletion"
    )
    for call in itertools.count(1, 1 if is_full() else 10):
        folder = tmp_path / str(call)
        with run.begin(folder, partial(prepared, folder / "steps", call)) as process:
            code = process.wait()
        if code == 0:  # it has fewer calls than that
            assert call > 50
            break
        assert code == -signal.SIGKILL
        with fault.holds():
            assert_goes_on(run, folder)


def test_a_kill_at_a_random_moment_costs_nothing(
    tmp_path: Path, longer: KnownStudy, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("killed", "SIGKILL at random moments")
    draw = random.Random(longer.commit_steps)
    for trial in itertools.count():
        folder = tmp_path / str(trial)
        with longer.begin(folder, partial(prepared, folder / "steps")) as process:
            killed = killed_after(process, draw.uniform(0, longer.seconds))
        if killed:
            with fault.holds():
                assert_goes_on(longer, folder)
        if fault.held == times(90):
            break


def test_a_kill_of_a_fresh_interpreter_at_a_random_moment_costs_nothing(
    tmp_path: Path, injecting: Callable[[str, str], Injection]
) -> None:
    """Which imports torch at most of them."""
    fault = injecting("killed", "SIGKILL at random moments, from the start of the interpreter")
    (tmp_path / "whole").mkdir()
    run = KnownStudy(tmp_path / "whole", epochs=30)
    draw = random.Random(0)
    seconds = None
    for trial in itertools.count():
        folder = tmp_path / str(trial)
        command = [sys.executable, "-m", "optbench", "run", str(run.write(folder)), "--quiet"]
        began = monotonic()
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
        )
        if seconds is None:
            assert process.wait() == 0
            seconds = monotonic() - began
            continue
        try:
            process.wait(draw.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            process.kill()
        if process.wait() == -signal.SIGKILL:
            with fault.holds():
                run.go_on(folder)
                run.assert_whole(folder)
        if fault.held == times(20):
            break


@pytest.mark.parametrize("commit_steps", COMMITS, ids=EVERY)
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(
    tmp_path: Path, commit_steps: int, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("killed-again", "SIGKILL of one run, 20 times, at random changes of the disk")
    (tmp_path / "whole").mkdir()
    run = KnownStudy(tmp_path / "whole", epochs=100, commit_steps=commit_steps)
    draw = random.Random(commit_steps)
    folder, kills = tmp_path / "killed", times(20)
    for _ in range(kills):
        call = draw.randint(30, 90)  # a start has some 25, and a checkpoint as many
        with run.begin(folder, partial(prepared, folder / "steps", call)) as process:
            assert process.wait() == -signal.SIGKILL
    with fault.holds(kills):
        assert 0 < run.go_on(folder) < run.steps
        run.assert_whole(folder)
        assert told_steps(folder / "steps") <= run.steps + kills * run.commit_steps


SABOTAGE = (
    Sabotage(
        "killed",
        "writing beside and renaming",
        "optbench/store/atomic.py",
        'return path.with_name(f".{path.name}.{os.getpid()}.tmp")',
        "return path",
        "test_a_kill_at_any_change_of_the_disk_costs_nothing",
        full=True,
    ),
    Sabotage(
        "killed",
        "checkpoints kept until the end is stored",
        "optbench/store/rundir.py",
        "        files, digests = {}, {}\n",
        "        files, digests = {}, {}\n        self.delete_checkpoints()\n",
        "test_a_kill_at_any_change_of_the_disk_costs_nothing",
    ),
    Sabotage(
        "killed",
        "the state of the generators in checkpoints",
        "optbench/training/learner.py",
        'self.noise.restore(state["noise"])',
        "pass",
        "test_a_kill_at_a_random_moment_costs_nothing",
    ),
    Sabotage(
        "killed-again",
        "optimizer state in checkpoints",
        "optbench/training/learner.py",
        'load_exactly(self.optimizer, state["optimizer"])',
        "pass",
        "test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes",
    ),
)
