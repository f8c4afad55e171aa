"""What a command has to train, and what is finished already. No torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.store.index import RunIndex

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.config.spec import Experiment, Run
    from optbench.execution.data import DataChoice
    from optbench.store.scan import StoredRun


@dataclass(frozen=True)
class Planned:
    """A run and its directory; `stored` where it is finished, wherever that was."""

    run: Run
    directory: Path
    stored: StoredRun | None = None


@dataclass(frozen=True)
class Plan:
    """All runs of some experiments, each once, in the order in which they train."""

    runs: tuple[Planned, ...]
    force: bool

    @property
    def to_train(self) -> tuple[Planned, ...]:
        return tuple(planned for planned in self.runs if planned.stored is None)

    @property
    def finished(self) -> tuple[Planned, ...]:
        return tuple(planned for planned in self.runs if planned.stored is not None)


def make_plan(
    experiments: Sequence[Experiment], data: DataChoice, runs_dir: Path, *, force: bool
) -> Plan:
    """Decide each setting's data and look every run up in the store."""
    index = RunIndex(runs_dir)
    planned: dict[str, Planned] = {}
    for experiment in experiments:
        settings = tuple(data.settle(setting) for setting in experiment.settings)
        for run in dataclasses.replace(experiment, settings=settings).runs():
            directory = runs_dir / run.experiment / run.directory_name
            stored = None if force else index.finished(run.hash)
            planned.setdefault(run.hash, Planned(run, directory, stored))
    return Plan(tuple(planned.values()), force)
