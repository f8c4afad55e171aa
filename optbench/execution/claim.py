"""Taking a run's directory, so that one process alone writes to it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.store.index import finished_run
from optbench.store.lock import HeldError, RunLock
from optbench.store.rundir import RunDirectory
from optbench.training.events import Busy, Ended

if TYPE_CHECKING:
    from contextlib import ExitStack

    from optbench.execution.plan import Planned


@dataclass(frozen=True)
class Claimed:
    """A run and the directory to write it to: its own, or one beside that."""

    planned: Planned
    directory: RunDirectory


def claim(planned: Planned, held: ExitStack, *, force: bool) -> Claimed | Busy | Ended:
    """Take a run, ours while `held` is; or say who has it, or that another was faster."""
    try:
        directory = _locked(planned, held, beside=force)
    except HeldError:
        return Busy(planned.run, planned.directory)
    stored = None if force else finished_run(planned.directory, planned.run.hash)
    if stored is not None:
        return Ended(planned.run, planned.directory, stored.result)
    return Claimed(planned, directory)


def _locked(planned: Planned, held: ExitStack, *, beside: bool) -> RunDirectory:
    """A run's directory, or a fresh one beside it."""
    directory = RunDirectory(planned.directory)
    directory.create()
    held.enter_context(RunLock(directory.path))
    if beside:
        directory = directory.beside
        shutil.rmtree(directory.path, ignore_errors=True)
        directory.create()
        held.enter_context(RunLock(directory.path))
    return directory
