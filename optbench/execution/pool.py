"""Carries a plan out in worker processes, each training a cohort at a time."""

from __future__ import annotations

import itertools
import math
import signal
from collections import deque
from contextlib import suppress
from multiprocessing.connection import wait
from time import monotonic
from typing import TYPE_CHECKING

import psutil

from optbench.errors import EnvironmentFault
from optbench.execution.deal import Deal, deal
from optbench.execution.deaths import bury, halves
from optbench.execution.memory import available_memory
from optbench.execution.process import Process
from optbench.execution.standby import PATIENCE, dismiss
from optbench.execution.wire import Broken, Done, Happened, MovedTogether, Ready, Task, Train
from optbench.execution.workers import hang_seconds
from optbench.training.events import Advanced, Busy, Ended, Unbegun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from optbench.execution.cohorts import Cohort
    from optbench.execution.data import Announce
    from optbench.execution.deal import Rehearsed
    from optbench.execution.plan import Plan
    from optbench.execution.standby import Standby
    from optbench.execution.wire import FromWorker
    from optbench.training.events import Event

LOOK = 5.0  # seconds between looks at whether a worker was stopped; two in a row must find it so
SILENCES = 100  # so many times the longest silence that ended by itself is no worker's end


class Pool:
    """Processes of one thread each, which take a plan's cohorts as they become free.

    A run's numbers depend neither on the process that trains it nor on how many there are.
    """

    def __init__(
        self,
        data_dir: Path,
        workers: int,
        most: int | None = None,
        standby: Standby | None = None,
        until: float = math.inf,
    ) -> None:
        """`workers` on the CPU; on GPUs one each, but not more than `most`.

        Those of `standby` are taken first, and go back to it when the plan is carried out. `until`
        is as in `Interruptions`.
        """
        self.data_dir = data_dir
        self.workers = workers
        self.most = most
        self.standby = standby
        self.until = until

    def carry_out(self, plan: Plan, announce: Announce) -> Iterator[Event]:
        """As every executor, the events of runs interleaved.

        Where a process dies, or is silent for so long that it hangs, its runs are tried again in
        two halves, until the run that it dies of is alone and stored as failed. Raises
        `EnvironmentFault` where one dies without a run.
        """
        crew = _Crew(plan, self, announce)
        try:
            yield from crew.train()
            if self.standby is not None:
                crew.leave(self.standby)
        finally:
            dismiss(crew.members)


class _Crew:
    """The processes of one plan, and the cohorts that none has taken yet."""

    def __init__(self, plan: Plan, pool: Pool, announce: Announce) -> None:
        self.plan = plan
        self.pool = pool
        self.announce = announce
        self.available = available_memory()
        self.indices = {planned.run.hash: index for index, planned in enumerate(plan.to_train)}
        self.members: list[_Member] = []
        self.dealt: Deal | None = None
        self.places: deque[str] = deque()  # devices that have no worker
        self.waiting: deque[Cohort] = deque()
        self.patience = hang_seconds()
        self.longest = 0.0  # that a worker was silent and then went on
        self.looked = monotonic()

    def train(self) -> Iterator[Event]:
        for _ in range(min(self.pool.workers, len(self.plan.to_train))):
            self._hire(rehearse=not self.members)
        while self.dealt is None or self.waiting or any(m.busy for m in self.members):
            self._look()
            for ready in wait([member.connection for member in self.members], LOOK):
                for member in [m for m in self.members if m.connection is ready]:
                    try:
                        yield from self._take(member, member.connection.recv())
                    except (EOFError, OSError):
                        yield from self._replace(member)

    def leave(self, standby: Standby) -> None:
        """Have those that wait for orders wait for another plan's."""
        idle = [member for member in self.members if member.ready and not member.busy]
        for member in idle:
            member.ready, member.place = False, ""
        standby.members += idle
        self.members = [member for member in self.members if member not in idle]

    def _look(self) -> None:
        """Kill a process that hangs, or that somebody stopped and did not let go on.

        It would be waited for. Ctrl-Z stops this process as well, which then finds all going on:
        time in which it has not looked is not held against them.
        """
        passed = monotonic() - self.looked
        if passed < LOOK:
            return
        self.looked += passed
        for member in self.members:
            member.end_if_stopped()
            member.wait_on(min(passed, 2 * LOOK), max(self.patience, SILENCES * self.longest))

    def _hire(self, *, rehearse: bool = False) -> None:
        """One process more; the first tries every setting out, for all."""
        standby = self.pool.standby
        member = (standby.take(_Member) if standby else None) or _Member()
        if self.places:
            member.place = self.places.popleft()
        self.members.append(member)
        with suppress(BrokenPipeError):  # it died; what it says then tells
            member.connection.send(Task(self.plan, self.pool.data_dir, rehearse, self.pool.until))

    def _take(self, member: _Member, message: FromWorker) -> Iterator[Event]:
        self.longest = max(self.longest, member.silent)
        member.silent = 0.0
        match message:
            case Broken():
                raise message.error
            case Happened():
                if isinstance(message.event, Ended | Busy | Unbegun):
                    member.unfinished.remove(self.indices[message.event.run.hash])
                yield message.event
            case MovedTogether(runs=runs):
                to_train = self.plan.to_train
                yield from (Advanced(to_train[one.index].run, one.record) for one in runs)
            case Ready():
                member.ready = True
                if message.rehearsed is not None:
                    self._deal(message.rehearsed)
                self._hand_out()
            case Done():
                member.busy = False
                self._hand_out()

    def _deal(self, rehearsed: Rehearsed) -> None:
        """Cut the plan into cohorts, and have as many workers as those need."""
        workers, most = self.pool.workers, self.pool.most
        self.dealt = deal(self.plan.to_train, rehearsed, self.available, workers, most)
        if self.dealt.warning:
            self.announce(self.dealt.warning)
        self.waiting.extend(self.dealt.cohorts)
        devices = itertools.cycle(rehearsed.devices)
        self.places.extend(itertools.islice(devices, self.dealt.workers))
        spare = self.members[self.dealt.workers :]  # the one that has rehearsed is the first
        del self.members[self.dealt.workers :]
        dismiss(spare)
        for member in self.members:
            member.place = self.places.popleft()
        while self.places:
            self._hire()

    def _hand_out(self) -> None:
        """Give waiting cohorts to idle members."""
        for member in self.members:
            cohort = self._next(member) if member.ready and not member.busy else None
            if cohort is not None:
                with suppress(BrokenPipeError):  # it has died, and the cohort waits for others
                    member.connection.send(Train(cohort, member.place))
                    self.waiting.remove(cohort)
                    member.busy, member.unfinished = True, list(cohort)

    def _next(self, member: _Member) -> Cohort | None:
        """The first waiting cohort that doesn't ask for the device of another worker."""
        others = {other.place for other in self.members} - {member.place}
        devices = ((cohort, self.plan.to_train[cohort[0]].run.device) for cohort in self.waiting)
        return next((cohort for cohort, device in devices if device not in others), None)

    def _replace(self, member: _Member) -> Iterator[Event]:
        """Go on without a process that died."""
        self.members.remove(member)
        self.places.extend([member.place] if self.dealt else [])
        death = member.death(PATIENCE)
        reason = f"its process died ({death})"
        if not member.busy:
            if self.dealt is None or (self.waiting and not self.members):
                raise EnvironmentFault(f"a worker could not begin: {reason}")
            return
        left = member.unfinished
        if len(left) == 1:
            yield bury(self.plan.to_train[left[0]], reason, force=self.plan.force)
        elif left:
            self.announce(
                f"A worker died ({death}); its {len(left)} unfinished runs are tried again."
            )
            self.waiting.extendleft(reversed(halves(left)))
        for _ in range(min(len(self.places), len(self.waiting))):
            self._hire()
        self._hand_out()


class _Member(Process):
    """One worker process, and the cohort that it has: the runs of it that haven't ended."""

    def __init__(self) -> None:
        super().__init__("optbench.execution.child:main")
        self.ready = False
        self.busy = False
        self.unfinished: list[int] = []
        self.place = ""  # the device that `cuda` means for it
        self.found_stopped = 0  # times in a row
        self.silent = 0.0  # seconds in which it trained and told nothing, as far as was looked
        self.hangs = False

    def end_if_stopped(self) -> None:
        """Kill it if it is found stopped a second time; that was then its end."""
        if self.found_stopped > 1:
            return
        with suppress(psutil.Error):  # it has ended, and its connection will tell
            stopped = psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED
            self.found_stopped = self.found_stopped + 1 if stopped else 0
        if self.found_stopped > 1:
            self.process.kill()

    def wait_on(self, seconds: float, patience: float) -> None:
        """Kill it if, with these more seconds, it has been silent for longer than that."""
        if not self.busy or self.hangs:
            return
        self.silent += seconds
        if self.silent > patience:
            self.hangs = True
            self.process.kill()

    def death(self, patience: float) -> str:
        how = super().death(patience)
        if self.hangs:
            return f"it made no progress for {self.silent:,.0f} s, see OPTBENCH_PATIENCE"
        return "it was stopped and did not go on" if self.found_stopped > 1 else how

    def stop(self) -> None:
        """Ask it to end; what has not begun to train has nothing to store."""
        self.process.send_signal(signal.SIGTERM if self.ready else signal.SIGKILL)
