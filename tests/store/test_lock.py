from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from optbench.errors import StoreError
from optbench.store.lock import RunLock

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Barrier

SPAWN = multiprocessing.get_context("spawn")
DEADLINE = 60  # seconds


def hold(directory: Path, ready: Connection) -> None:
    with RunLock(directory):
        ready.send("held")
        signal.pause()


def race(directory: Path, barrier: Barrier, outcome: Connection) -> None:
    """Try for the lock together with the others, and hold it until all have tried."""
    barrier.wait(DEADLINE)
    try:
        with RunLock(directory):
            outcome.send("held")
            barrier.wait(DEADLINE)
    except StoreError:
        outcome.send("refused")
        barrier.wait(DEADLINE)


def test_a_second_writer_is_refused_with_the_directorys_name(tmp_path: Path) -> None:
    with (
        RunLock(tmp_path),
        pytest.raises(StoreError, match=f"{tmp_path} is being trained by another process") as told,
        RunLock(tmp_path),
    ):
        pass
    assert told.value.exit_code == 4


def test_the_lock_is_free_again_afterwards_even_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), RunLock(tmp_path):
        raise KeyError
    with RunLock(tmp_path):
        pass


def test_the_lock_is_free_once_its_holder_is_killed(tmp_path: Path) -> None:
    reader, writer = SPAWN.Pipe(duplex=False)
    holder = SPAWN.Process(target=hold, args=(tmp_path, writer))
    holder.start()
    assert reader.poll(DEADLINE)
    reader.recv()
    with pytest.raises(StoreError), RunLock(tmp_path):
        pass
    holder.kill()
    holder.join(DEADLINE)
    assert holder.exitcode == -signal.SIGKILL
    with RunLock(tmp_path):
        pass


def test_of_many_processes_at_once_one_holds_it(tmp_path: Path) -> None:
    processes = 8
    barrier = SPAWN.Barrier(processes)
    reader, writer = SPAWN.Pipe(duplex=False)
    racers = [
        SPAWN.Process(target=race, args=(tmp_path, barrier, writer)) for _ in range(processes)
    ]
    for racer in racers:
        racer.start()
    outcomes = []
    for _ in racers:
        assert reader.poll(DEADLINE)
        outcomes.append(reader.recv())
    for racer in racers:
        racer.join(DEADLINE)
    assert sorted(outcomes) == ["held", *["refused"] * (processes - 1)]


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"can't write .*lock"), RunLock(tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_child_process_does_not_inherit_the_lock(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        lock = (tmp_path / "lock").resolve()
        held = [int(fd.name) for fd in Path("/proc/self/fd").iterdir() if fd.resolve() == lock]
        assert held
        assert not any(os.get_inheritable(descriptor) for descriptor in held)
