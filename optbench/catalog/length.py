"""What of a setting depends on how long its runs are: a longer one is then another from the start.

Everything else in training goes on in the same way however many epochs follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.catalog.schedules import open_horizon, schedules
from optbench.config.node import Problems, child_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.config.spec import Setting

_AVERAGE = "average"


@dataclass(frozen=True)
class Tie:
    """A key of a setting's `part` that is resolved by the run's length; `why` is a clause.

    `free` is the argument that would say the same without it, empty where there is none.
    """

    part: str
    key: str
    why: str
    free: str = ""


def ties(setting: Setting) -> tuple[Tie, ...]:
    """All there are: of the schedule, of the average. Without any a run's epochs begin a longer's.

    They are told by what `build_schedule` and `Average` ask: for the horizon that was left open,
    and for a share of the run.
    """
    found = []
    name, horizon = str(setting.schedule["name"]), open_horizon(setting.schedule)
    if horizon:
        free = "" if horizon in schedules()[name].provided else horizon
        found.append(Tie("schedule", "name", f"{name} takes its {horizon} from epochs", free))
    if setting.averaging_start is not None:
        average = setting.training[_AVERAGE]
        start = f"a share of all epochs, {setting.averaging_start:g}"
        found.append(Tie("training", _AVERAGE, f"{average['name']} begins after {start}"))  # type: ignore[index]
    return tuple(found)


def refuse_ties(settings: Iterable[Setting]) -> None:
    """Raise `ConfigError`, at its line, for each setting of which no shorter run can go on."""
    problems = Problems()
    for setting in settings:
        for tie in ties(setting):
            written = setting.written[tie.part]
            message = (
                f"{tie.why}, so that a run of {setting.epochs} epochs does not go on from a "
                "shorter one"
            )
            free = f", or write a {tie.free} that both have" if tie.free else ""
            remedy = f"leave --extend out to train it from the start{free}"
            key = child_key(written.key, tie.key)
            problems.add(written.node.mapping[tie.key], key, message, remedy)
    problems.raise_if_any()
