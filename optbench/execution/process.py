"""A process of this program's own: it is talked to over a pipe, and ends with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import TYPE_CHECKING

from optbench.errors import EXIT_OK, Interrupted
from optbench.execution.signals import Interruptions

if TYPE_CHECKING:
    from collections.abc import Callable

LAST_WORDS = 3.0  # seconds that a process has to store where it is, once its parent is gone


class Process:
    """A fresh interpreter that calls `package.module:function`, which begins with `begin()`.

    What the code in it prints goes to standard error, or if `silent` nowhere: it must not get
    between the lines of --json.
    """

    def __init__(self, function: str, *, silent: bool = False) -> None:
        self.connection, theirs = Pipe()
        held, lifeline = os.pipe()
        self._lifeline: int | None = lifeline
        module, _, name = function.partition(":")
        code = f"import sys; sys.path[:] = {sys.path!r}; from {module} import {name}; {name}()"
        descriptors = (theirs.fileno(), held)
        self.process = subprocess.Popen(  # noqa: S603  (this program itself)
            [sys.executable, "-c", code, *map(str, descriptors)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if silent else 2,
            stderr=subprocess.DEVNULL if silent else None,
            pass_fds=descriptors,
        )
        theirs.close()
        os.close(held)

    def stop(self) -> None:
        """Ask it to store where it is, and to end."""
        self.process.terminate()

    def wait(self, patience: float) -> None:
        """Until it has ended, by force after some seconds."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._close()

    def end(self) -> None:
        """At once, if it has not ended by itself."""
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        self.connection.close()
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    def death(self, patience: float) -> str:
        """How a process that closed its connection ended: `SIGKILL`, `exit code 1`."""
        self.wait(patience)
        return death_of(self.process.returncode)


def death_of(code: int) -> str:
    """What a return code says: a signal's name where it is negative, else `exit code 1`."""
    if code == -signal.SIGBUS:
        return "SIGBUS: a file that it had mapped was cut off, or can't be read any more"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def begin() -> Connection:
    """What a process calls first: its connection; it ends with the process that started it.

    Its arguments are two descriptors: the connection, and a lifeline over which nothing ever
    comes. The lifeline ends with the process that holds its other end, and then this one does.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent decides
    end_with_parent()
    return Connection(int(sys.argv[1]))


def serve(take_orders: Callable[[Connection, Interruptions], None]) -> None:
    """Begin, and take orders until none comes any more, or a signal does; ends the process."""
    connection = begin()
    interruptions = Interruptions()
    code = EXIT_OK
    try:
        with interruptions.caught():
            take_orders(connection, interruptions)
    except Interrupted as stopped:
        code = stopped.exit_code
    except (EOFError, BrokenPipeError):
        pass  # nothing more to do, or nobody to do it for
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)  # all is stored: taking torch apart would cost half of a second


def end_with_parent() -> None:
    """Watch the lifeline, in a thread: what is forked off needs one of its own."""
    threading.Thread(target=_watch, args=(int(sys.argv[2]),), daemon=True).start()


def _watch(lifeline: int) -> None:
    with suppress(OSError):
        os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_WORDS)
    os.kill(os.getpid(), signal.SIGKILL)  # it imports, or code that is not ours goes on
