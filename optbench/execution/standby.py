"""Processes that wait between two plans, which a search trains one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.execution.process import Process

PATIENCE = 30.0  # seconds that a process has to store where it stopped

Kind = TypeVar("Kind", bound="Process")


class Standby:
    """A context: what waits in it for the next plan ends with it."""

    def __init__(self) -> None:
        self.members: list[Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        dismiss(self.members)
        self.members = []

    def take(self, kind: type[Kind]) -> Kind | None:
        """One of this kind that is still there."""
        while self.members:
            member = self.members.pop(0)
            if isinstance(member, kind) and member.process.poll() is None:
                return member
            member.end()
        return None


def dismiss(members: Sequence[Process]) -> None:
    """End processes; one that trains stores where it is."""
    for member in members:
        member.stop()
    for member in members:
        member.wait(PATIENCE)
