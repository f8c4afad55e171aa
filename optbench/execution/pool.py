"""Carries a plan out in worker processes, each training a run at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from multiprocessing.connection import Pipe, wait
from typing import TYPE_CHECKING

from optbench.errors import EnvironmentFault
from optbench.execution.wire import Broken, Done, Happened, Ready, Task, Train
from optbench.store.rundir import RunDirectory
from optbench.training.events import Ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from optbench.execution.plan import Plan, Planned
    from optbench.execution.wire import FromWorker
    from optbench.training.events import Event

PATIENCE = 30.0  # seconds that a worker has to store where it stopped


class Pool:
    """Processes of one thread each, which take a plan's runs as they become free.

    A run's numbers depend neither on the process that trains it nor on how many there are.
    """

    def __init__(self, data_dir: Path, workers: int) -> None:
        self.data_dir = data_dir
        self.workers = workers

    def carry_out(self, plan: Plan) -> Iterator[Event]:
        """Train what a plan has to train; as `Worker.carry_out`, the events of runs interleaved.

        A run whose process dies is stored as failed, and the rest go on. Raises
        `EnvironmentFault` where a process dies without a run.
        """
        crew = _Crew(plan, self.data_dir)
        try:
            yield from crew.train(self.workers)
        finally:
            crew.dismiss()


class _Crew:
    """The processes of one plan, and the runs that none has taken yet."""

    def __init__(self, plan: Plan, data_dir: Path) -> None:
        self.plan = plan
        self.data_dir = data_dir
        self.waiting = deque(range(len(plan.to_train)))
        self.members: list[_Member] = []
        self.rehearsed = False

    def train(self, workers: int) -> Iterator[Event]:
        for _ in range(min(workers, len(self.waiting))):
            self._hire()
        while any(member.index is not None for member in self.members) or self.waiting:
            for ready in wait([member.connection for member in self.members]):
                member = next(m for m in self.members if m.connection is ready)
                try:
                    yield from self._take(member, member.connection.recv())
                except (EOFError, ConnectionResetError):
                    yield from self._replace(member)

    def dismiss(self) -> None:
        """End all processes; one that trains stores where it is."""
        for member in self.members:
            member.stop()
        for member in self.members:
            member.wait()

    def _hire(self) -> None:
        """The first process that comes tries every setting out, for all."""
        member = _Member()
        rehearse = not self.members
        self.members.append(member)
        member.connection.send(Task(self.plan, self.data_dir, rehearse))

    def _take(self, member: _Member, message: FromWorker) -> Iterator[Event]:
        match message:
            case Broken():
                raise message.error
            case Happened():
                yield message.event
            case Ready():
                member.ready = True
                self.rehearsed |= member is self.members[0]
                if message.devices != ("cpu",):
                    self._keep_only(member)
                self._deal()
            case Done():
                member.index = None
                self._deal()

    def _deal(self) -> None:
        """Give waiting runs to idle members, once it is known that all settings can be built."""
        for member in self.members:
            if self.rehearsed and member.ready and member.index is None and self.waiting:
                member.index = self.waiting.popleft()
                member.connection.send(Train(member.index))

    def _keep_only(self, chosen: _Member) -> None:
        """One process a device that is not a CPU: two would share its memory and gain nothing."""
        for member in self.members:
            if member is not chosen:
                member.stop()
                member.wait()
        self.members = [chosen]

    def _replace(self, member: _Member) -> Iterator[Event]:
        """Go on without a process that died."""
        self.members.remove(member)
        reason = f"its process died ({member.death()})"
        if member.index is not None:
            yield _bury(self.plan.to_train[member.index], reason, force=self.plan.force)
            if self.waiting:
                self._hire()
        elif not self.rehearsed or (self.waiting and not self.members):
            raise EnvironmentFault(f"a worker could not begin: {reason}")


class _Member:
    """One worker process, and the run that it has."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        held, self.lifeline = os.pipe()
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            "from optbench.execution.child import main; main()"
        )
        descriptors = (theirs.fileno(), held)
        self.process = subprocess.Popen(  # noqa: S603  (this program itself)
            [sys.executable, "-c", code, *map(str, descriptors)],
            stdin=subprocess.DEVNULL,
            stdout=2,  # what a plug-in prints must not get between the lines of --json
            pass_fds=descriptors,
        )
        theirs.close()
        os.close(held)
        self.ready = False
        self.index: int | None = None

    def stop(self) -> None:
        """Ask it to end; what has not begun to train has nothing to store."""
        self.process.send_signal(signal.SIGTERM if self.ready else signal.SIGKILL)

    def wait(self) -> None:
        """Until it has ended, by force after `PATIENCE`."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.connection.close()
        os.close(self.lifeline)

    def death(self) -> str:
        """How a process that closed its connection ended: `SIGKILL`, `exit code 1`."""
        self.wait()
        code = self.process.returncode
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _bury(planned: Planned, reason: str, *, force: bool) -> Ended:
    """Store a run whose process died as failed."""
    final = RunDirectory(planned.directory)
    directory = final.beside if force else final
    result = directory.fail(reason)
    if result is None:
        raise EnvironmentFault(f"{planned.directory}: {reason} before the run began")
    return Ended(planned.run, directory.path, result)
