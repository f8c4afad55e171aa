"""Learning-rate schedules by name: torch's that take plain numbers, and warm-up plus cosine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from optbench.catalog.entry import Entry
from optbench.catalog.rules import (
    ABOVE_ZERO_UP_TO_ONE,
    AT_LEAST_ONE,
    AT_LEAST_ZERO,
    BELOW_ONE,
    BETWEEN_ZERO_AND_ONE,
    GREATER_THAN_ZERO,
    Relation,
    Rule,
)
from optbench.catalog.signatures import defined_classes

if TYPE_CHECKING:
    from collections.abc import Mapping

PLATEAU = "reducelronplateau"
_MODULE = "torch.optim.lr_scheduler"

RULES: dict[str, Rule] = {
    "warmup": BELOW_ONE,
    "final": BETWEEN_ZERO_AND_ONE,
    "step_size": AT_LEAST_ONE,
    "milestones": AT_LEAST_ONE,
    "gamma": GREATER_THAN_ZERO,
    "factor": BETWEEN_ZERO_AND_ONE,
    "start_factor": ABOVE_ZERO_UP_TO_ONE,
    "end_factor": BETWEEN_ZERO_AND_ONE,
    "total_iters": AT_LEAST_ONE,
    "total_steps": AT_LEAST_ONE,
    "power": GREATER_THAN_ZERO,
    "T_max": AT_LEAST_ONE,
    "T_0": AT_LEAST_ONE,
    "T_mult": AT_LEAST_ONE,
    "eta_min": AT_LEAST_ZERO,
    "patience": AT_LEAST_ZERO,
    "cooldown": AT_LEAST_ZERO,
    "max_lr": GREATER_THAN_ZERO,
    "base_lr": AT_LEAST_ZERO,
    "pct_start": BETWEEN_ZERO_AND_ONE,
    "step_size_up": AT_LEAST_ONE,
    "step_size_down": AT_LEAST_ONE,
    "div_factor": GREATER_THAN_ZERO,
    "final_div_factor": GREATER_THAN_ZERO,
}
# Where one schedule is stricter than others about an argument of the same name.
OWN_RULES: dict[str, dict[str, Rule]] = {PLATEAU: {"factor": BELOW_ONE}}
RELATIONS = (
    Relation(
        "milestones",
        "must be increasing epochs",
        lambda arguments: _increasing(arguments.get("milestones")),
    ),
)

# A function, or other schedules, can't be written as plain numbers.
_REFUSALS = {
    "LambdaLR": "it takes a function, which YAML can't write",
    "MultiplicativeLR": "it takes a function, which YAML can't write",
    "SequentialLR": "it takes other schedules, which YAML can't write",
    "ChainedScheduler": "it takes other schedules, which YAML can't write",
}
_BY_STEP = ("onecyclelr", "cycliclr")
# The argument that says how long the schedule lasts; left out, it is the run's own length.
_HORIZONS = {
    "cosineannealinglr": "T_max",
    "polynomiallr": "total_iters",
    "linearlr": "total_iters",
    "constantlr": "total_iters",
    "onecyclelr": "total_steps",
}
# What says the same in another way; a run has its own length already.
_PROVIDED = {"onecyclelr": ("epochs", "steps_per_epoch")}
_SUMMARIES = {
    "constantlr": "a factor of lr until total_iters epochs",
    "cosineannealinglr": "half a cosine over T_max epochs",
    "cosineannealingwarmrestarts": "cosines with restarts after T_0 epochs (SGDR 2017)",
    "cycliclr": "between base_lr and max_lr, by step (Smith 2017)",
    "exponentiallr": "times gamma each epoch",
    "linearlr": "from start_factor to end_factor over total_iters epochs",
    "multisteplr": "times gamma at each of milestones",
    "onecyclelr": "up to max_lr and down again, by step (Smith & Topin 2019)",
    "polynomiallr": "polynomial decay over total_iters epochs",
    PLATEAU: "times factor when validation loss stops falling",
    "steplr": "times gamma every step_size epochs",
}


@dataclass(frozen=True)
class ScheduleEntry(Entry):
    """`by_step` says whether it advances each batch or each epoch.

    `horizon` names the argument that says how long it lasts, `provided` what YAML may not give.
    """

    by_step: bool = False
    horizon: str = ""
    provided: tuple[str, ...] = ()


@cache
def schedules() -> dict[str, ScheduleEntry]:
    """All that can be used; read from torch's source without importing it."""
    own = {
        "constant": ScheduleEntry("", "the learning rate stays as it is (the default)"),
        "cosine": ScheduleEntry(
            "optbench.catalog.cosine:WarmupCosine",
            "linear warm-up over a share of the run, then half a cosine, by step",
            by_step=True,
            horizon="total_steps",
            provided=("total_steps",),
        ),
        "inverse-sqrt": ScheduleEntry(
            "optbench.catalog.inverse_sqrt:InverseSqrt",
            "lr / √t at step t, as in online convex optimization",
            by_step=True,
        ),
    }
    classes = defined_classes(_MODULE)
    torchs = {
        name.lower(): _entry(name)
        for name in classes
        if name != "LRScheduler" and name not in _REFUSALS
    }
    return {**own, **dict(sorted(torchs.items()))}


@cache
def refused_schedules() -> dict[str, ScheduleEntry]:
    """torch's others, by name, with the reason."""
    return {
        name.lower(): ScheduleEntry(f"{_MODULE}:{name}", "", refusal=refusal)
        for name, refusal in _REFUSALS.items()
    }


def open_horizon(schedule: Mapping[str, object]) -> str:
    """The argument of a resolved schedule that its run's own length is given for.

    Empty where there is none: the schedule goes on in the same way however long the run is. So
    does one reached by import path, which is told of no length.
    """
    entry = schedules().get(str(schedule["name"]))
    if entry is None or schedule.get(entry.horizon) is not None:
        return ""
    return entry.horizon


def _entry(class_name: str) -> ScheduleEntry:
    target, name = f"{_MODULE}:{class_name}", class_name.lower()
    return ScheduleEntry(
        target,
        _SUMMARIES.get(name, target.replace(":", ".")),
        by_step=name in _BY_STEP,
        horizon=_HORIZONS.get(name, ""),
        provided=_PROVIDED.get(name, ()),
    )


def _increasing(values: object) -> bool:
    return not isinstance(values, list) or values == sorted(values)
