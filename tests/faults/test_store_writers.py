"""Many processes at one store: one writer a run, and readers that are never in the way."""

from __future__ import annotations

import json
import multiprocessing
import signal
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from experiments import command
from stored_runs import ADAM, SGD

from faults.counts import times
from faults.sabotage import Sabotage
from faults.store_writers import (
    ACCURACY,
    DEADLINE,
    described,
    hold,
    race,
    write_run,
    write_runs,
)
from optbench.errors import StoreError
from optbench.store.lock import RunLock, is_locked
from optbench.store.rundir import RunDirectory
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Event
    from pathlib import Path

    from faults.injections import Injection
    from optbench.store.metrics import Row
    from optbench.store.stored_run import StoredRun

pytestmark = [pytest.mark.faults, pytest.mark.slow]

SPAWN = multiprocessing.get_context("spawn")
PROCESSES = 16


def test_of_sixteen_processes_at_a_barrier_one_holds_a_run(
    tmp_path: Path, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("two-writers", "16 processes at a barrier")
    rounds = times(50)
    barrier = SPAWN.Barrier(PROCESSES)
    readers = []
    for _ in range(PROCESSES):
        reader, writer = SPAWN.Pipe(duplex=False)
        readers.append(reader)
        SPAWN.Process(target=race, args=(tmp_path, rounds, barrier, writer), daemon=True).start()
        writer.close()
    outcomes = []
    for reader in readers:
        assert reader.poll(rounds + DEADLINE)
        outcomes.append(reader.recv())
    for together in zip(*outcomes, strict=True):
        with fault.holds():
            assert sorted(together) == [False] * (PROCESSES - 1) + [True]


def test_a_lock_is_free_as_soon_as_its_holder_is_killed(
    tmp_path: Path, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("two-writers", "SIGKILL of the process that holds it")
    for _ in range(times(50)):
        reader, writer = SPAWN.Pipe(duplex=False)
        holder = SPAWN.Process(target=hold, args=(tmp_path, writer), daemon=True)
        holder.start()
        assert reader.poll(DEADLINE)
        reader.recv()
        with fault.holds():
            assert is_locked(tmp_path)
            holder.kill()
            holder.join()
            assert holder.exitcode == -signal.SIGKILL
            assert not is_locked(tmp_path)
            with RunLock(tmp_path):
                pass


def compared(store: Path) -> Iterator[tuple[str, float]]:
    """Each setting's optimizer and its mean of the final test accuracies, as `compare` says."""
    outcome = command("compare", store, "--format", "json")
    assert outcome.code == 0, outcome.err
    for problem in json.loads(outcome.out)["problems"]:
        for setting in problem["settings"]:
            if "test_accuracy" in setting["estimates"]:
                yield setting["optimizer"], setting["estimates"]["test_accuracy"]["mean"]


def rows_of(run: StoredRun) -> tuple[Row, ...]:
    """A run's rows; none before the first are written.

    A finished run has them always, but for the moment in which a newer one is put in its place.
    """
    end = monotonic() + DEADLINE
    while True:
        try:
            return run.rows
        except StoreError as error:
            if not isinstance(error.__cause__, FileNotFoundError) or monotonic() > end:
                raise
            if not run.finished:
                return ()


def assert_readable(store: Path) -> None:
    """Every run's rows are those of one moment, and what is not finished is labelled."""
    found = scan(store)
    noted = {note.path for note in found.notes}
    assert {note.kind for note in found.notes} <= {"unfinished"}
    for run in found.runs:
        rows = rows_of(run)
        steps = [row["steps"] for row in rows]
        assert steps == [938 * index for index in range(len(rows))]
        if run.finished:
            final = ACCURACY[run.path.name.partition("-")[0]]
            assert rows[-1]["test_accuracy"] == final
        else:
            assert run.path in noted


def assert_readings(store: Path) -> None:
    for name, mean in compared(store):
        assert mean == pytest.approx(ACCURACY[name], abs=1e-12)
    assert_readable(store)


def read_on(store: Path, stop: Event, outcomes: Connection) -> None:
    """Compare again and again; how often that went well, or what did not."""
    readings: int | str = 0
    while isinstance(readings, int) and not stop.is_set():
        try:
            assert_readings(store)
            readings += 1
        except BaseException as error:  # noqa: BLE001  (it is told)
            readings = repr(error)
    outcomes.send(readings)


def test_reading_goes_on_while_sixteen_processes_write(
    tmp_path: Path, injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("reading", "16 writers, 2 loops of `compare` and a scan, 60 s: readings")
    for optimizer in (ADAM, SGD):  # so that there is something to compare
        for seed in (1000, 1001):
            result = described(optimizer, seed)
            directory = RunDirectory(tmp_path / "adam_mnist" / f"{optimizer['name']}-s{seed}")
            directory.create()
            write_run(directory, result, 5)
    stop, begun = SPAWN.Event(), SPAWN.Barrier(PROCESSES + 1)
    writers = [
        SPAWN.Process(target=write_runs, args=(tmp_path, index, begun, stop), daemon=True)
        for index in range(PROCESSES)
    ]
    readings, theirs = SPAWN.Pipe(duplex=False)
    reader = SPAWN.Process(target=read_on, args=(tmp_path, stop, theirs), daemon=True)
    for process in (*writers, reader):
        process.start()
    begun.wait(DEADLINE)
    end = monotonic() + times(60)
    try:
        while monotonic() < end:
            with fault.holds():
                assert_readings(tmp_path)
    finally:
        stop.set()
        for process in (*writers, reader):
            process.join(DEADLINE)
    assert [writer.exitcode for writer in writers] == [0] * PROCESSES
    count = readings.recv()
    assert isinstance(count, int), count
    with fault.holds(count):
        pass
    assert len(scan(tmp_path).runs) == 4 + 2 * 3 * PROCESSES // 2


SABOTAGE = (
    Sabotage(
        "two-writers",
        "the lock",
        "optbench/store/lock.py",
        "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "pass",
        "test_of_sixteen_processes_at_a_barrier_one_holds_a_run",
    ),
    Sabotage(
        "two-writers",
        "asking the system whether a lock is held still",
        "optbench/store/lock.py",
        "        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)\n",
        "        raise OSError\n",
        "test_a_lock_is_free_as_soon_as_its_holder_is_killed",
    ),
    Sabotage(
        "reading",
        "writing beside and renaming",
        "optbench/store/atomic.py",
        'return path.with_name(f".{path.name}.{os.getpid()}.tmp")',
        "return path",
        "test_reading_goes_on_while_sixteen_processes_write",
        full=True,
    ),
    Sabotage(
        "reading",
        "labels of unfinished runs",
        "optbench/store/scan.py",
        "notes.extend(filter(None, map(_unfinished, kept)))",
        "pass",
        "test_reading_goes_on_while_sixteen_processes_write",
    ),
)
