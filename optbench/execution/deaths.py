"""What becomes of the runs whose process died: tried again in halves, until one is to blame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.errors import EnvironmentFault
from optbench.store.rundir import RunDirectory
from optbench.training.events import Ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.execution.cohorts import Cohort
    from optbench.execution.plan import Planned


def halves(left: Sequence[int]) -> tuple[Cohort, Cohort]:
    """The two cohorts in which to try runs again, of which there are two or more."""
    half = (len(left) + 1) // 2
    return tuple(left[:half]), tuple(left[half:])


def bury(planned: Planned, reason: str, *, force: bool) -> Ended:
    """Store a run whose process died as failed."""
    final = RunDirectory(planned.directory)
    directory = final.beside if force else final
    result = directory.fail(reason)
    if result is None:
        raise EnvironmentFault(f"{planned.directory}: {reason} before the run began")
    return Ended(planned.run, directory.path, result)
