"""Checks optimizers in processes of their own, which may crash or hang."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from optbench.errors import EXIT_OK, EnvironmentFault, Interrupted, UsageError
from optbench.execution.process import Process, begin, death_of, end_with_parent
from optbench.training.check.finding import CHECKS, Checked, Finding, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection

    from optbench.catalog.candidate import Candidate
    from optbench.execution.signals import Interruptions

LIMIT = 60.0  # seconds a check


@dataclass(frozen=True)
class _Begun:
    """A process makes checks; the number by which it can be killed."""

    pid: int


@dataclass(frozen=True)
class _Ended:
    """It is over: `SIGSEGV`, `exit code 1`."""

    death: str


class Examiner:
    """A context that checks one optimizer after the other; nothing of theirs is imported here.

    One process imports torch, and forks for each optimizer. Raises `UsageError` for no time at all
    and `EnvironmentFault` where that process can't begin.
    """

    def __init__(self, interruptions: Interruptions, limit: float = LIMIT) -> None:
        if not limit > 0:
            raise UsageError(f"a time limit must be greater than 0, got {limit:g}")
        self.interruptions = interruptions
        self.limit = limit
        self._running: int | None = None

    def __enter__(self) -> Self:
        process = None
        try:
            with self.interruptions.shielded():  # else it could begin without being known here
                process = Process("optbench.execution.examination:main", silent=True)
        except Interrupted:
            if process is not None:
                process.end()
            raise
        self._process = process
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()  # before what it forked, so that nothing more is
        self._kill()

    def examine(self, candidate: Candidate) -> Checked:
        """Make all checks, each in at most `limit` seconds.

        A check that its process dies of, or that doesn't end, has failed; the others go on in
        another process.
        """
        subject, findings = Subject(candidate), list[Finding]()
        while left := CHECKS[len(findings) :]:
            for finding, known in self._findings(subject, left):
                findings.append(finding)
                subject = known
            if findings[0].verdict == "fails":  # it can't be made
                break
        return Checked(candidate, subject.lr, tuple(findings))

    def _findings(
        self, subject: Subject, names: Sequence[str]
    ) -> Iterator[tuple[Finding, Subject]]:
        """What one process finds of these checks: all, or up to the one that it is lost in."""
        connection, found, unmade = self._process.connection, 0, False
        try:
            connection.send((subject, names))
            self._running = connection.recv().pid
            while True:
                if not connection.poll(self.limit):
                    self._kill()
                message = connection.recv()
                if isinstance(message, _Ended):
                    break
                found += 1
                finding, subject = message
                unmade = finding.check == CHECKS[0] and finding.verdict == "fails"
                yield finding, subject
        except (EOFError, OSError) as error:
            death = self._process.death(self.limit)
            raise EnvironmentFault(f"the process for the checks died ({death})") from error
        lost = None
        if self._running is None:
            lost = f"did not end within {self.limit:g} s"
        elif message.death != _WELL:
            lost = f"its process died ({message.death})"
        elif not unmade:
            lost = "it ended its process"
        self._running = None
        if lost is not None and found < len(names):
            yield Finding(names[found], "fails", lost), subject

    def _kill(self) -> None:
        """The process that makes checks, if there is one."""
        if self._running is not None:
            _end_group(self._running)
        self._running = None


def _end_group(leader: int) -> None:
    """A process and what it has forked: code of somebody else's may do that."""
    with suppress(ProcessLookupError, PermissionError):  # none is left
        os.killpg(leader, signal.SIGKILL)


_WELL = f"exit code {EXIT_OK}"


def main() -> None:
    """In the process that forks: subjects with checks to make come, and `_Ended` goes."""
    connection = begin()
    import optbench.training.check.checks  # noqa: F401  (here once, for all that are forked)
    from optbench.training.device import finish_imports

    finish_imports()
    while True:
        try:
            subject, names = connection.recv()
        except EOFError:
            return
        pid = os.fork()
        if not pid:
            _check(connection, subject, names)
        status = os.waitpid(pid, 0)[1]
        _end_group(pid)
        connection.send(_Ended(death_of(os.waitstatus_to_exitcode(status))))


def _check(connection: Connection, subject: Subject, names: Sequence[str]) -> None:
    """In a forked process: tell what each check finds."""
    from optbench.training.check.checks import run_checks

    os.setpgid(0, 0)
    end_with_parent()
    own = os.getpid()
    connection.send(_Begun(own))
    for finding in run_checks(subject, names):
        if os.getpid() != own:  # a fork of it, which has nothing to tell
            os._exit(EXIT_OK)
        connection.send((finding, subject))
    os._exit(EXIT_OK)
