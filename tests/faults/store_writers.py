"""Processes that write to a store alone. No torch: they begin at once."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
import signal
from typing import TYPE_CHECKING

from stored_runs import ADAM, SGD, make_rows, result_document

from optbench.errors import StoreError
from optbench.store.lock import RunLock
from optbench.store.result import parse_result
from optbench.store.rundir import RunDirectory

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Barrier, Event
    from pathlib import Path

    from optbench.store.result import Result

DEADLINE = 300  # seconds, for sixteen processes on a busy machine
EPOCHS = 5
ACCURACY = {"adam": 0.9, "sgd": 0.8}  # at the end, of all seeds


def hold(directory: Path, ready: Connection) -> None:
    """Keep a directory's lock until killed."""
    with RunLock(directory):
        ready.send("held")
        signal.pause()


def race(directory: Path, rounds: int, barrier: Barrier, outcomes: Connection) -> None:
    """Try for the lock together with others, again and again; who has it waits for all."""
    held = []
    for _ in range(rounds):
        barrier.wait(DEADLINE)
        try:
            with RunLock(directory):
                held.append(True)
                barrier.wait(DEADLINE)
        except StoreError:
            held.append(False)
            barrier.wait(DEADLINE)
        barrier.wait(DEADLINE)  # until it is free again
    outcomes.send(held)


def write_runs(store: Path, writer: int, begun: Barrier, stop: Event) -> None:
    """Write runs row by row as commands do, anew in the place of finished ones, or leave them."""
    optimizer = ADAM if writer % 2 else SGD
    for turn in itertools.count():
        seed = 3 * (writer // 2) + turn % 3
        result = described(optimizer, seed)
        place = store / "adam_mnist" / f"{optimizer['name']}-s{seed}-{result.run[:8]}"
        final = RunDirectory(place)
        final.create()
        with RunLock(place):
            directory = final
            directory.delete_checkpoints()
            if (place / "weights.pt").exists():
                directory = final.beside
                shutil.rmtree(directory.path, ignore_errors=True)
                directory.create()
            leave_after = EPOCHS if turn % 3 else 2  # one of three is never finished
            write_run(directory, result, leave_after)
            if directory is not final and leave_after == EPOCHS:
                directory.replace(place)
        if not turn:
            begun.wait(DEADLINE)
        if stop.is_set():
            return


def write_run(directory: RunDirectory, result: Result, epochs: int) -> None:
    """As a recorder does; with fewer than all epochs it is never finished."""
    name = str(result.config["optimizer"]["name"])
    accuracies = [0.1 + (ACCURACY[name] - 0.1) * epoch / EPOCHS for epoch in range(EPOCHS)]
    rows = make_rows([*accuracies, ACCURACY[name]])
    timings = [(int(row["steps"] or 0), 1.0, 0.1) for row in rows]
    directory.write_config("name: adam_mnist\n")
    for count in range(1, epochs + 1):
        running = dataclasses.replace(result, status="running", last=rows[count - 1], finished=None)
        directory.write_checkpoint(b"a state")
        directory.write_progress(rows[:count], timings[:count], running)
    if epochs == EPOCHS:
        directory.write_end(rows, timings, dataclasses.replace(result, last=rows[-1]), b"weights")


def described(optimizer: dict[str, object], seed: int) -> Result:
    text = json.dumps(result_document(optimizer=optimizer, seed=seed))
    return parse_result(text.encode(), "result.json")
