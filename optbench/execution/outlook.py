"""What a plan will take, found out by building its settings and by a few steps of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from optbench.catalog.resolve import source_of
from optbench.execution.cohorts import end
from optbench.execution.data import Announce, unpack_data
from optbench.execution.deal import Deal, deal
from optbench.execution.memory import available_memory
from optbench.execution.workers import worker_count

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.execution.plan import Plan


@dataclass(frozen=True)
class Outlook:
    """How a plan would be trained, and in how many seconds.

    None where there are no data to try it on: `missing` names those. `mapped` bytes of inputs stay
    in files.
    """

    dealt: Deal
    mapped: int
    seconds: float | None
    missing: tuple[str, ...]


def look_ahead(plan: Plan, data_dir: Path, workers: int | None, announce: Announce) -> Outlook:
    """Say what training a plan takes, storing no run and downloading nothing.

    `workers` is as asked for; `announce` is told how far what takes long is. Raises
    what training would raise before its first step: `ConfigError` and `UsageError` for what can't
    be built, `DataError` for damaged data.
    """
    began = perf_counter()
    available = available_memory()
    from optbench.execution.probe import probe
    from optbench.execution.rehearsal import rehearse

    rehearsed = rehearse(plan)
    dealt = deal(plan.to_train, rehearsed, available, worker_count(plan, workers), workers)
    starting = perf_counter() - began  # as every worker will: mostly torch's import
    mapped = _mapped_bytes(plan)
    missing = _missing(plan, data_dir)
    if missing:
        return Outlook(dealt, mapped, None, missing)
    unpack_data((planned.run.setting for planned in plan.to_train), data_dir, announce)
    loading, costs = probe(plan.to_train, dealt.cohorts, data_dir)
    return Outlook(dealt, mapped, starting + loading + end(costs, dealt.workers), ())


def _mapped_bytes(plan: Plan) -> int:
    settings = {planned.run.setting.data_hash: planned.run.setting for planned in plan.to_train}
    return sum(source_of(setting.dataset).mapped_bytes for setting in settings.values())


def _missing(plan: Plan, data_dir: Path) -> tuple[str, ...]:
    """Names of data sets that are not on disk."""
    datasets = {p.run.setting.problem_hash: p.run.setting.dataset for p in plan.to_train}.values()
    absent = (str(dataset["name"]) for dataset in datasets if source_of(dataset).missing(data_dir))
    return tuple(dict.fromkeys(absent))
