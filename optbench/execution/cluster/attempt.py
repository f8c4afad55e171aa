"""One try at a cohort on a cluster: its runs' directories, held here, and what its task tells."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from optbench.errors import StoreError
from optbench.execution.claim import Claimed, claim
from optbench.execution.cluster.messages import Assigned, Written
from optbench.execution.cluster.relayed import WRITES
from optbench.store.staged import Staged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.execution.cluster.staging import StagingFolder
    from optbench.execution.cohorts import Cohort
    from optbench.execution.plan import Plan
    from optbench.store.metrics import Row
    from optbench.store.result import Result
    from optbench.store.rundir import RunDirectory, Timing
    from optbench.training.events import Busy, Ended


class Attempt:
    """The runs of a cohort that nobody else has, until their task has ended or is lost.

    What a task tells comes by its own `stream`, which ends with the attempt: a node that was
    given up and comes back tells nobody. `next` is what it has told that is not here yet, `node`
    where it runs, once that is known. Where all machines see the store, what is too big to be told
    is put into `staging`, which goes with the attempt. `left` are the runs that haven't ended.
    """

    def __init__(self, plan: Plan, cohort: Cohort, staging: StagingFolder | None = None) -> None:
        self.plan = plan
        self.cohort = cohort
        self.staging = staging
        self.left: list[int] = []
        self.stream: Any = None
        self.next: Any = None
        self.node = ""
        self._held = ExitStack()
        if staging is not None:
            self._held.callback(staging.remove)
        self._directories: dict[int, RunDirectory] = {}
        self._stored: dict[int, tuple[Sequence[Row], Sequence[Timing], Result]] = {}

    def claim(self) -> Iterator[Busy | Ended]:
        """Take the runs that are to be trained; tell of the others."""
        for index in self.cohort:
            found = claim(self.plan.to_train[index], self._held, force=self.plan.force)
            if isinstance(found, Claimed):
                self.left.append(index)
                self._directories[index] = found.directory
            else:
                yield found

    def assigned(self) -> list[Assigned]:
        """What the task has to know of each run."""
        return [self._assigned(index) for index in self.left]

    def _assigned(self, index: int) -> Assigned:
        planned, directory = self.plan.to_train[index], self._directories[index]
        place = planned.directory.absolute()  # nodes may have another working directory
        path = place.with_name(directory.path.name)
        contents = {path: directory.read_checkpoint(path) for path in directory.checkpoints()}
        if planned.base is not None:
            with suppress(StoreError):  # the task will not find it, and say so
                contents[planned.base.path] = directory.read_checkpoint(planned.base.path)
        return Assigned(
            index,
            dataclasses.replace(planned, directory=place),
            path,
            directory.result(),
            contents,
        )

    def write(self, written: Written) -> None:
        """Do in the store what the task did where it is."""
        if written.method not in WRITES:
            raise ValueError(f"a task called {written.method} of a run's directory")
        for argument in written.arguments:
            if isinstance(argument, Staged):
                self.check(argument)
        directory = self._directories[written.index]
        getattr(directory, written.method)(*written.arguments)
        match written.method:
            case "write_config":
                directory.sync_config()
            case "write_checkpoint":
                directory.sync_checkpoint()
            case "write_progress":
                self._stored[written.index] = written.arguments

    def check(self, staged: Staged) -> None:
        """Raise `EnvironmentFault` for a file that is not here as the task has told of it."""
        if self.staging is None:
            raise ValueError(f"a task was given no folder, and put a file at {staged.path}")
        self.staging.check(staged)

    def interrupt(self, reason: str) -> None:
        """Say of the runs that haven't ended that they were stopped, and why."""
        for index in self.left:
            if index in self._stored:
                rows, timings, result = self._stored[index]
                stopped = dataclasses.replace(result, status="interrupted", reason=reason)
                self._directories[index].write_progress(rows, timings, stopped)

    def release(self) -> None:
        """Leave the runs to whoever takes them next."""
        self._held.close()
