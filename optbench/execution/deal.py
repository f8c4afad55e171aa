"""How the runs of a plan are dealt to workers, from what rehearsing it has found. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from optbench.execution.cohorts import Cohort, Footprint, cohort_bytes, make_cohorts
from optbench.execution.memory import SHARE, memory_for_runs, workers_that_fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optbench.execution.plan import Planned


@dataclass(frozen=True)
class Rehearsed:
    """What the worker that tried every setting out has found.

    `devices` are those to train on, `cpu` or accelerators alone; `footprints` are by setting
    hash. `process_bytes` are a worker's own, `device_bytes` free on the fullest device.
    """

    devices: tuple[str, ...]
    footprints: Mapping[str, Footprint]
    process_bytes: int
    device_bytes: int

    @property
    def on_cpu(self) -> bool:
        return self.devices == ("cpu",)


@dataclass(frozen=True)
class Deal:
    """Cohorts, as indices into a plan's `to_train`, and the workers that take them in order.

    `bytes` are those of all workers, each at its largest cohort; `too_large` are labels of
    settings of which not even one run is sure to fit.
    """

    cohorts: tuple[Cohort, ...]
    workers: int
    bytes: int
    too_large: tuple[str, ...]

    @property
    def warning(self) -> str:
        """What to say of settings that may not fit; empty if there are none."""
        if not self.too_large:
            return ""
        others = len(self.too_large) - 1
        more = f" and {others:,} other setting{'s'[: others > 1]}" if others else ""
        return (
            f"{self.too_large[0]}{more} may need {self.bytes / 1e9:.1f} GB of memory, more than "
            "is free. Such runs train one at a time; should that not do, take a smaller model "
            "or batch."
        )


def deal(
    to_train: Sequence[Planned],
    rehearsed: Rehearsed,
    available: int,
    workers: int,
    most: int | None = None,
) -> Deal:
    """Cut runs into cohorts for so many workers, or fewer where memory is short.

    A GPU has one worker, as two would share its memory and gain nothing; there are `most` in all.
    `available` bytes were free on the machine before the first worker began. A run that may not
    fit is dealt all the same, alone: what is known of its memory is an estimate, and the system
    may have swap.
    """
    footprints = rehearsed.footprints
    if rehearsed.on_cpu:
        share = partial(memory_for_runs, available, process=rehearsed.process_bytes)
        need = max(footprint.alone for footprint in footprints.values())
        workers = workers_that_fit(workers, need, share)
        memory = share(workers)
    else:
        workers = min(most or len(rehearsed.devices), len(rehearsed.devices))
        memory = int(SHARE * rehearsed.device_bytes)
    cohorts = make_cohorts(to_train, footprints, workers, memory)
    workers = min(workers, len(cohorts))
    largest = max(cohort_bytes(cohort, to_train, footprints) for cohort in cohorts)
    return Deal(
        cohorts,
        workers,
        workers * (rehearsed.process_bytes + largest),
        tuple(
            dict.fromkeys(
                planned.run.setting.label
                for planned in to_train
                if footprints[planned.run.setting.setting_hash].alone > memory
            )
        ),
    )
