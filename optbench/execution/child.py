"""A worker process: takes cohorts over a connection, trains them, tells what happens."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from optbench.errors import EXIT_OK, OptbenchError
from optbench.execution.process import serve
from optbench.execution.wire import Broken, Done, Happened, Moved, MovedTogether, Ready, Task, Train
from optbench.training.events import Advanced, Busy, Ended, Started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from multiprocessing.connection import Connection

    from optbench.execution.signals import Interruptions
    from optbench.execution.worker import Worker
    from optbench.training.events import Event


def main() -> None:
    """Train what comes until nothing more does; ends the process."""
    serve(_train_plans)


def _train_plans(connection: Connection, interruptions: Interruptions) -> None:
    task: Task | Train | None = connection.recv()
    worker = None
    try:
        with interruptions.shielded():  # an import that a signal breaks off ends in any error
            from optbench.execution.data import load_data
            from optbench.execution.rehearsal import rehearse
            from optbench.execution.worker import Worker
            from optbench.training.device import finish_imports, prefer

            finish_imports()
        while isinstance(task, Task):
            interruptions.until = task.until
            with interruptions.shielded():  # building imports parts of torch
                found = rehearse(task.plan) if task.rehearse else None
            load = partial(load_data, data_dir=task.data_dir)
            worker = worker or Worker(load, interruptions)
            connection.send(Ready(found))
            task = _train(task, worker, connection, prefer)
    except OptbenchError as error:
        connection.send(Broken(error))


def _train(
    task: Task, worker: Worker, connection: Connection, prefer: Callable[[str], None]
) -> Task | None:
    """Train the cohorts of a plan; the next plan that comes, if one does."""
    to_train, own = task.plan.to_train, os.getpid()
    while isinstance(order := connection.recv(), Train):
        prefer(order.device)
        cohort = [to_train[index] for index in order.cohort]
        indices = {to_train[index].run.hash: index for index in order.cohort}
        for message in _messages(worker.train(cohort, force=task.plan.force), indices):
            if os.getpid() != own:  # a plug-in has forked, and the fork came back here
                os._exit(EXIT_OK)
            connection.send(message)
        connection.send(Done())
    return order if isinstance(order, Task) else None


def _messages(
    events: Iterable[Event], indices: Mapping[str, int]
) -> Iterator[MovedTogether | Happened]:
    """What to say of events; runs that go on side by side tell how far they are at one time."""
    going: set[str] = set()
    moved: list[Moved] = []
    for event in events:
        if isinstance(event, Advanced):
            moved.append(Moved(indices[event.run.hash], event.record))
        if moved and (len(moved) >= len(going) or not isinstance(event, Advanced)):
            yield MovedTogether(tuple(moved))
            moved.clear()
        if isinstance(event, Started):
            going.add(event.run.hash)
        if isinstance(event, Ended | Busy):
            going.discard(event.run.hash)
        if not isinstance(event, Advanced):
            yield Happened(event)
