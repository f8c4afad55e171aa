"""How many processes a command trains in."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from optbench.errors import UsageError
from optbench.execution.data import training_size

if TYPE_CHECKING:
    from optbench.execution.plan import Plan

# Another process costs the import of torch, two seconds or three: what is over sooner stays here.
WORTH_A_PROCESS = 500_000  # examples to train on, over all epochs and runs
HANG_SECONDS = 1800.0


def worker_count(plan: Plan, asked: int | None) -> int:
    """As many as were asked for, else one a core; never more than runs.

    A plan of little work stays in this process unless more were asked for.
    """
    examples = sum(training_size(one.run.setting) * one.epochs for one in plan.to_train)
    if asked is None and examples < WORTH_A_PROCESS:
        return 1
    return min(asked or cores(), len(plan.to_train))


def hang_seconds() -> float:
    """How long training may go on and tell nothing, at least: $OPTBENCH_PATIENCE, or half an hour.

    A sign of life comes with every step that takes half a second, else every 50 steps.
    """
    asked = os.environ.get("OPTBENCH_PATIENCE", "")
    try:
        seconds = float(asked or HANG_SECONDS)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise UsageError(f"OPTBENCH_PATIENCE must be seconds, greater than 0, got {asked!r}")
    return seconds


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
