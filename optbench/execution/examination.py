"""Checks an optimizer in a process of its own, which may crash or hang."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from optbench.errors import EXIT_OK, EnvironmentFault, UsageError
from optbench.execution.process import Process, begin
from optbench.training.check.finding import CHECKS, Checked, Finding, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.catalog.candidate import Candidate
    from optbench.execution.signals import Interruptions

LIMIT = 60.0  # seconds a check


def examine(candidate: Candidate, interruptions: Interruptions, limit: float = LIMIT) -> Checked:
    """Make all checks, each in at most `limit` seconds; nothing of the candidate is imported here.

    A check that its process dies of, or that doesn't end, has failed; the others go on in another
    process. Raises `EnvironmentFault` where none can begin, `UsageError` for no time at all.
    """
    if not limit > 0:
        raise UsageError(f"a time limit must be greater than 0, got {limit:g}")
    subject, findings = Subject(candidate), []
    left = list(CHECKS)
    while left:
        for finding, known in _findings(subject, tuple(left), interruptions, limit):
            subject = known
            findings.append(finding)
            left.remove(finding.check)
            if finding.check == "constructs" and finding.verdict == "fails":
                left.clear()
                break
    return Checked(candidate, subject.lr, tuple(findings))


def _findings(
    subject: Subject, names: Sequence[str], interruptions: Interruptions, limit: float
) -> Iterator[tuple[Finding, Subject]]:
    """What one process finds of these checks: all, or up to the one that it is lost in."""
    waiting, ready = list(names), False
    with interruptions.shielded():  # else it could begin without being known here
        process = Process("optbench.execution.examination:main", silent=True)
    try:
        process.connection.send((subject, names))
        ready = process.connection.recv()
        while waiting:
            if not process.connection.poll(limit):
                yield Finding(waiting[0], "fails", f"did not end within {limit:g} s"), subject
                return
            finding, subject = process.connection.recv()
            waiting.remove(finding.check)
            yield finding, subject
    except (EOFError, OSError) as error:
        death = process.death(limit)
        if not ready:
            raise EnvironmentFault(f"no process for the checks could begin: {death}") from error
        yield Finding(waiting[0], "fails", f"its process died ({death})"), subject
    finally:
        process.end()


def main() -> None:
    """In the other process: make the checks that come, and send what each finds."""
    connection = begin()
    subject, names = connection.recv()
    from optbench.training.check.checks import run_checks
    from optbench.training.device import finish_imports

    finish_imports()
    connection.send(True)
    for finding in run_checks(subject, names):
        connection.send((finding, subject))
    sys.exit(EXIT_OK)
