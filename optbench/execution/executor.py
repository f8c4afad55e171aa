"""What carries a plan out: this process, worker processes, or a Ray cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from optbench.catalog.resolve import source_of
from optbench.execution.pool import Pool
from optbench.execution.workers import worker_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.config.spec import Setting
    from optbench.execution.data import Announce
    from optbench.execution.plan import Plan
    from optbench.execution.signals import Interruptions
    from optbench.execution.standby import Standby
    from optbench.execution.study import Options
    from optbench.training.events import Event


class Executor(Protocol):
    """Trains what a plan has to train; the bytes that it stores do not depend on which one does."""

    def carry_out(self, plan: Plan, announce: Announce) -> Iterator[Event]:
        """Tell of each run what happens, in order; those of several runs may be interleaved.

        A run that its own code breaks, or whose process dies of it, is stored as failed, and the
        rest go on. Closing the iterator, or a signal (`Interrupted`), stores where each run is.
        Raises `ConfigError`, `UsageError`, `DataError`, `StoreError` and `EnvironmentFault`.
        """


def choose(
    plan: Plan, options: Options, interruptions: Interruptions, standby: Standby | None = None
) -> Executor:
    """The executor for a plan and what was asked for; processes of `standby` are used again."""
    if options.ray is not None:
        from optbench.execution.cluster.executor import RayCluster

        return RayCluster(options.data_folder, options.ray, options.workers, standby, options.until)
    workers = worker_count(plan, options.workers)
    if workers > 1 or any(_may_end_its_process(p.run.setting) for p in plan.to_train):
        return Pool(options.data_folder, workers, options.workers, standby, options.until)
    with interruptions.shielded():  # an import that a signal breaks off ends in any error
        from optbench.execution.here import InProcess

    return InProcess(options.data_folder, interruptions)


def _may_end_its_process(setting: Setting) -> bool:
    """Code that is not optbench's may, or hang where no signal gets through.

    So does reading of a mapped file what was cut off, or what the disk has lost (SIGBUS).
    """
    return bool(setting.own_code) or source_of(setting.dataset).mapped_bytes > 0
