"""Carries a plan out on a Ray cluster, by a process that talks to it."""

from __future__ import annotations

import importlib.util
import math
from contextlib import suppress
from typing import TYPE_CHECKING

from optbench.errors import EnvironmentFault, UsageError
from optbench.execution.cluster.messages import Order, Said, unpacked
from optbench.execution.process import Process
from optbench.execution.standby import PATIENCE, dismiss
from optbench.execution.wire import Broken, Done, Happened, Moved
from optbench.training.events import Advanced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from optbench.execution.cluster.connection import RayOptions
    from optbench.execution.cluster.messages import FromDriver
    from optbench.execution.data import Announce
    from optbench.execution.plan import Plan
    from optbench.execution.standby import Standby
    from optbench.training.events import Event

RAY_GAVE_UP = 1  # the exit code by which Ray ends a process that has lost a cluster's head


class RayCluster:
    """Trains cohorts wherever Ray finds room for them.

    A run's numbers depend neither on the node that trains it nor on how many there are, as long as
    all have the same build of torch and kind of processor; else a run that has to move starts over.
    """

    def __init__(
        self,
        data_dir: Path,
        asked: RayOptions,
        workers: int | None = None,
        standby: Standby | None = None,
        until: float = math.inf,
    ) -> None:
        """At most `workers` cohorts at a time; None leaves that to the cluster.

        A process on `standby` that has joined the cluster is taken, and goes back to it. `until`
        is as in `Interruptions`.
        """
        self.data_dir = data_dir
        self.asked = asked
        self.workers = workers
        self.standby = standby
        self.until = until

    def carry_out(self, plan: Plan, announce: Announce) -> Iterator[Event]:
        """As every executor, the events of runs interleaved.

        The runs of a node that is lost go on elsewhere; those whose process dies are tried again
        in halves, until the run that it dies of is alone and stored as failed.
        """
        if importlib.util.find_spec("ray") is None:
            raise UsageError("--executor ray needs Ray: pip install 'optbench[ray]'")
        driver = (self.standby.take(Driver) if self.standby else None) or Driver()
        leaving = [driver]
        try:
            order = Order(plan, self.data_dir, self.asked, self.workers, self.until)
            yield from _followed(driver, order, announce)
            if self.standby is not None:
                self.standby.members.append(driver)
                leaving = []
        finally:
            dismiss(leaving)


class Driver(Process):
    """The process that is connected to the cluster: Ray ends it when it loses the head."""

    def __init__(self) -> None:
        super().__init__("optbench.execution.cluster.driver:main", silent=True)

    def told(self, order: Order) -> Iterator[FromDriver]:
        """What it tells of an order's runs. Raises `EnvironmentFault` where it dies."""
        runs = {planned.run.hash: planned.run for planned in order.plan.to_train}
        with suppress(BrokenPipeError):  # it died; what it says then tells
            self.connection.send(order)
        while True:
            try:
                yield from unpacked(self.connection.recv_bytes(), runs)
            except (EOFError, OSError) as error:
                raise EnvironmentFault(self._gone()) from error

    def _gone(self) -> str:
        death = self.death(PATIENCE)
        if self.process.returncode != RAY_GAVE_UP:
            return f"the process that talks to Ray died ({death})"
        return (
            "the head of the Ray cluster does not answer any more; every run is stored where it "
            "last committed, and the same command goes on once the cluster is back"
        )


def _followed(driver: Driver, order: Order, announce: Announce) -> Iterator[Event]:
    to_train = order.plan.to_train
    for message in driver.told(order):
        match message:
            case Moved(index=index, record=record):
                yield Advanced(to_train[index].run, record)
            case Happened(event=event):
                yield event
            case Said(text=text):
                announce(text)
            case Broken(error=error):
                raise error
            case Done():
                return
