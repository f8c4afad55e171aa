"""Carries a plan out in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.execution.deal import deal
from optbench.execution.memory import available_memory
from optbench.execution.rehearsal import rehearse
from optbench.execution.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from optbench.execution.data import Announce
    from optbench.execution.plan import Plan
    from optbench.execution.signals import Interruptions
    from optbench.training.events import Event


def carry_out(
    plan: Plan, data_dir: Path, interruptions: Interruptions, announce: Announce
) -> Iterator[Event]:
    """Train what a plan has to train, cohort by cohort.

    A run that its own code breaks is stored as failed, and the rest go on. Raises
    `ConfigError`, `UsageError`, `DataError`, `StoreError` and `Interrupted`.
    """
    with interruptions.shielded():  # building imports parts of torch, see train_plan
        rehearsed = rehearse(plan)
    available = available_memory() + rehearsed.process_bytes
    dealt = deal(plan.to_train, rehearsed, available, workers=1, most=1)
    if dealt.warning:
        announce(dealt.warning)
    worker = Worker(data_dir, interruptions)
    for cohort in dealt.cohorts:
        yield from worker.train([plan.to_train[index] for index in cohort], force=plan.force)
