"""SIGTERM and SIGINT at any moment: an exit code, nothing lost, no process left."""

from __future__ import annotations

import itertools
import random
import signal
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import psutil
import pytest
import tiny_mnist
from experiments import DEADLINE, Child, signal_at, write_experiment
from mirror_server import serving

from faults.counts import is_full, times
from faults.known_study import KnownStudy, say_begun
from faults.sabotage import Sabotage
from optbench.catalog.datasets import DATASETS, Entry
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from faults.injections import Injection

pytestmark = [pytest.mark.faults, pytest.mark.slow]

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
PROMPT = 5.0 if is_full() else DEADLINE  # seconds; what else runs beside a tenth is unknown
WAYS = [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGTERM), (signal.SIGINT,) * 2]
NAMES = ["SIGINT", "SIGTERM", "SIGINT and SIGTERM", "SIGINT twice"]
PLACES = {
    "a step": "optbench.training.part:Part.step",
    "an evaluation": "optbench.training.part:evaluate",
    "saving": "optbench.training.checkpoint:torch.save",
    "reading data": "optbench.execution.here:load_data",
}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> KnownStudy:
    return KnownStudy(tmp_path_factory.mktemp("whole"), epochs=8)


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> KnownStudy:
    folder = tmp_path_factory.mktemp("whole")
    return KnownStudy(folder, epochs=40, seeds=2, options=("--quiet", "--workers", "2"))


def stopped_by(process: Child, numbers: Sequence[int], draw: random.Random, longest: float) -> bool:
    """Send signals from a random moment on; whether they came before its end.

    What is promised of the processes is asserted.
    """
    process.wait_for("begun")
    process.process.join(draw.uniform(0, longest))
    pid, family = process.process.pid, []
    with suppress(psutil.Error):
        family = psutil.Process(pid).children(recursive=True)
    with suppress(ProcessLookupError):
        for number in numbers:
            process.signal(number)
            process.process.join(draw.uniform(0, 0.05))
    sent = monotonic()
    code = process.wait()
    assert monotonic() - sent < PROMPT
    assert not psutil.wait_procs(family, PROMPT)[1]
    if code == 0:
        return False
    # A signal before the command has begun ends a process by itself; a shell says the same code.
    assert (128 - code if code < 0 else code) in {CODES[signal.Signals(n)] for n in numbers}
    return True


def assert_resumable(study: KnownStudy, folder: Path) -> None:
    store = folder / "runs"
    if any(store.rglob("result.json")):
        assert {run.status for run in scan(store).runs} <= {"interrupted", "completed"}
    study.go_on(folder)
    study.assert_whole(folder)


@pytest.mark.parametrize("numbers", WAYS, ids=NAMES)
def test_signals_at_random_moments_leave_what_goes_on(
    tmp_path: Path,
    alone: KnownStudy,
    numbers: Sequence[int],
    injecting: Callable[[str, str], Injection],
) -> None:
    fault = injecting("signals", "SIGINT, SIGTERM, both or one twice, at random moments")
    draw = random.Random(repr(numbers))
    for trial in itertools.count():
        folder = tmp_path / str(trial)
        with alone.begin(folder, say_begun) as process:
            stopped = stopped_by(process, numbers, draw, alone.seconds)
        if stopped:
            with fault.holds():
                assert_resumable(alone, folder)
        if fault.held == times(20):
            break


def test_signals_at_random_moments_end_workers_too(
    tmp_path: Path, pooled: KnownStudy, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("signals", "the same with two worker processes")
    draw = random.Random(0)
    for trial, numbers in enumerate(itertools.cycle(WAYS)):
        folder = tmp_path / str(trial)
        with pooled.begin(folder, say_begun) as process:
            stopped = stopped_by(process, numbers, draw, pooled.seconds)
        if stopped:
            with fault.holds():
                assert_resumable(pooled, folder)
        if fault.held == times(20):
            break


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
@pytest.mark.parametrize("place", PLACES)
def test_a_signal_in_the_middle_of_something_leaves_what_goes_on(
    tmp_path: Path,
    alone: KnownStudy,
    place: str,
    number: signal.Signals,
    injecting: Callable[[str, str], Injection],
) -> None:
    fault = injecting("signals", "a signal while a step, an evaluation, saving or reading goes on")
    calls = 1 if place == "reading data" else times(10)
    for call in range(1, calls + 1):
        folder = tmp_path / str(call)
        with alone.begin(folder, partial(signal_at, PLACES[place], call, number)) as process:
            code = process.wait()
        if code == 0:  # it does that less often
            break
        with fault.holds():
            assert code == CODES[number]
            assert_resumable(alone, folder)


def mirror_mnist(url: str) -> None:
    """Have `mnist` mean a small set that is downloaded from there."""
    say_begun()
    source = tiny_mnist.tiny_source(url)
    DATASETS["mnist"] = Entry("20 images", lambda: source)


@pytest.mark.parametrize("numbers", WAYS, ids=NAMES)
def test_a_signal_during_a_download_leaves_one_that_can_be_made(
    tmp_path: Path,
    numbers: Sequence[int],
    injecting: Callable[[str, str], Injection],
) -> None:
    fault = injecting("signals", "a signal while a mirror stalls in the middle of a file")
    draw = random.Random(repr(numbers))
    path = write_experiment(tmp_path, dataset="mnist", model={"name": "mlp", "hidden": [5]})
    arguments = ("run", path, "--quiet", "--data-dir", tmp_path / "data")
    for _ in range(times(10)):
        with serving(tiny_mnist.archives(), "stall", clients=1) as mirror:
            prepare = partial(mirror_mnist, mirror.url)
            with Child(*arguments, cwd=tmp_path, prepare=prepare) as process:
                assert mirror.all_clients_here.wait(DEADLINE)
                with fault.holds():
                    assert stopped_by(process, numbers, draw, 0.2)
                    assert not [*(tmp_path / "data").rglob("*ubyte*")]
                    assert not (tmp_path / "runs").exists()
    with serving(tiny_mnist.archives()) as mirror:
        prepare = partial(mirror_mnist, mirror.url)
        with Child(*arguments, cwd=tmp_path, prepare=prepare) as process:
            assert process.wait() == 0
    assert not [*(tmp_path / "data").rglob(".download")]


STEP = "test_a_signal_in_the_middle_of_something_leaves_what_goes_on[a step-SIGTERM]"
SABOTAGE = (
    Sabotage(
        "signals",
        "SIGTERM becoming an interruption",
        "optbench/execution/signals.py",
        "wanted = [n for n in _EXIT_CODES if",
        "wanted = [n for n in (signal.SIGINT,) if",
        STEP,
    ),
    Sabotage(
        "signals",
        "saying `interrupted`",
        "optbench/execution/recorder.py",
        'self._result("interrupted", reason, rows=rows)',
        'self._result("failed", reason, rows=rows)',
        STEP,
    ),
    Sabotage(
        "signals",
        "clearing half a download away",
        "optbench/catalog/datasets/download.py",
        "shutil.rmtree(folder, ignore_errors=True)",
        "pass",
        "test_a_signal_during_a_download_leaves_one_that_can_be_made",
    ),
)
