"""Carries a plan out in this process."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from optbench.execution.data import load_data
from optbench.execution.deal import deal
from optbench.execution.memory import available_memory
from optbench.execution.rehearsal import rehearse
from optbench.execution.watchdog import Watchdog
from optbench.execution.worker import Worker
from optbench.execution.workers import hang_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from optbench.execution.data import Announce
    from optbench.execution.plan import Plan
    from optbench.execution.signals import Interruptions
    from optbench.training.events import Event


class InProcess:
    """Trains cohort by cohort in this process."""

    def __init__(self, data_dir: Path, interruptions: Interruptions) -> None:
        self.data_dir = data_dir
        self.interruptions = interruptions

    def carry_out(self, plan: Plan, announce: Announce) -> Iterator[Event]:
        """As every executor; what the runs' own code raises, they alone fail of."""
        with self.interruptions.shielded():  # building imports parts of torch, see `choose`
            rehearsed = rehearse(plan)
        available = available_memory() + rehearsed.process_bytes
        dealt = deal(plan.to_train, rehearsed, available, workers=1, most=1)
        if dealt.warning:
            announce(dealt.warning)
        worker = Worker(partial(load_data, data_dir=self.data_dir), self.interruptions)
        with Watchdog(hang_seconds(), announce) as watchdog:
            for cohort in dealt.cohorts:
                runs = [plan.to_train[index] for index in cohort]
                for event in worker.train(runs, force=plan.force):
                    watchdog.alive()
                    yield event
