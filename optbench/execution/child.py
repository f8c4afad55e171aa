"""A worker process: takes cohorts over a connection, trains them, tells what happens."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from optbench.errors import EXIT_OK, Interrupted, OptbenchError
from optbench.execution.signals import Interruptions
from optbench.execution.wire import Broken, Done, Happened, Moved, Ready, Train
from optbench.training.events import Advanced

if TYPE_CHECKING:
    from optbench.execution.wire import Task


def main() -> None:
    """Train what comes until nothing more does; ends the process.

    Its arguments are two descriptors: the connection, and a lifeline over which nothing ever
    comes. The lifeline ends with the process that holds its other end, and then this one does.
    """
    connection, lifeline = Connection(int(sys.argv[1])), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent decides
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    interruptions = Interruptions()
    try:
        with interruptions.caught():
            _serve(connection, interruptions)
    except Interrupted as stopped:
        sys.exit(stopped.exit_code)
    except (EOFError, BrokenPipeError):
        sys.exit(EXIT_OK)  # nothing more to do, or nobody to do it for


def _serve(connection: Connection, interruptions: Interruptions) -> None:
    task: Task = connection.recv()
    try:
        with interruptions.shielded():  # an import that a signal breaks off ends in any error
            from optbench.execution.rehearsal import rehearse
            from optbench.execution.worker import Worker
            from optbench.training.device import finish_imports, prefer

            finish_imports()
            found = rehearse(task.plan) if task.rehearse else None
        worker = Worker(task.data_dir, interruptions)
        connection.send(Ready(found))
        to_train = task.plan.to_train
        while isinstance(order := connection.recv(), Train):
            prefer(order.device)
            cohort = [to_train[index] for index in order.cohort]
            indices = {to_train[index].run.hash: index for index in order.cohort}
            for event in worker.train(cohort, force=task.plan.force):
                if isinstance(event, Advanced):
                    connection.send(Moved(indices[event.run.hash], event.record))
                else:
                    connection.send(Happened(event))
            connection.send(Done())
    except OptbenchError as error:
        connection.send(Broken(error))


def _end_with_parent(lifeline: int) -> None:
    with suppress(OSError):
        os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
