"""What a tracker is told about a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from optbench.analysis.setting import hyperparameters
from optbench.config.spec import display_name, format_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from optbench.store.metrics import Row
    from optbench.store.result import Status


@dataclass(frozen=True)
class TrackedRun:
    """Who a run is. `hash` identifies it; `name` is that of its directory."""

    hash: str
    experiment: str
    name: str
    parameters: Mapping[str, str]

    @classmethod
    def of(cls, run_hash: str, config: Mapping[str, Any], directory: Path) -> TrackedRun:
        """The run with a resolved configuration, stored at `directory`."""
        values = hyperparameters(config)
        named = {
            part: display_name(str(config[part]["name"]))
            for part in ("dataset", "model", "optimizer", "schedule")
        }
        parameters = {**named, **{key: format_value(value) for key, value in values.items()}}
        (parameters["seed"],) = map(format_value, config["seeds"])
        return cls(run_hash, directory.parent.name, directory.name, parameters)


class Tracker(Protocol):
    """One place that runs are told to. May raise anything: whoever calls it sees to that."""

    def begin(self, run: TrackedRun) -> int:
        """A run begins or goes on; the last step that the tracker has of it, -1 for none."""

    def log(self, run: TrackedRun, row: Row) -> None:
        """A row of metrics.csv; `None` in it is what was not measured."""

    def end(self, run: TrackedRun, status: Status) -> None:
        """The run is over."""

    def close(self) -> None:
        """Everything was told."""


def measured(row: Row) -> dict[str, float]:
    """What a row measures, by column; `steps` is the axis, not a measure."""
    return {name: value for name, value in row.items() if value is not None and name != "steps"}


def step_of(row: Row) -> int:
    return int(row["steps"] or 0)
