"""Searches in front of somebody: what trains of them, and the settings that came of them."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from optbench.commands.training import Trained, train
from optbench.errors import StreamError
from optbench.execution.plan import stored_runs
from optbench.execution.standby import Standby
from optbench.report.search import batch_line, nothing_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.commands.run import JsonLines
    from optbench.commands.screen import Screen
    from optbench.config.spec import Experiment
    from optbench.execution.plan import Plan
    from optbench.execution.study import Options
    from optbench.store.stored_run import StoredRun
    from optbench.training.events import Ended
    from optbench.tuning.search import Phase, Tuner


@dataclass
class Stage:
    """Trains plans in front of somebody, and keeps what came of them.

    A context: worker processes wait in it for the next plan, and end with it.
    """

    options: Options
    screen: Screen
    lines: JsonLines | None = None
    trained: Trained = field(default_factory=Trained)
    seconds: float = 0.0  # of training, for what is left
    epochs: float = 0.0  # that took them
    told: set[str] = field(default_factory=set)  # hashes of runs that have a line
    standby: Standby = field(default_factory=Standby)

    def __enter__(self) -> Self:
        self.standby.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.standby.__exit__()

    def train(self, plan: Plan, phase: Phase) -> None:
        left = phase.left * self.seconds / self.epochs if self.epochs else None
        self.screen.say(batch_line(phase.done, phase.asked, phase.until, left))
        began = time.monotonic()
        self.carry_out(plan)
        self.seconds += time.monotonic() - began
        self.epochs += phase.epochs

    def carry_out(self, plan: Plan) -> dict[str, StoredRun]:
        self.tell(planned.stored for planned in plan.finished if planned.stored)
        trained = train(
            plan, self.options, self.screen, self._ended, as_study=True, standby=self.standby
        )
        if plan.to_train:
            self.screen.write("\n")
        else:
            self.screen.say(nothing_line(len(plan.runs)))
        self.trained.ended.extend(trained.ended)
        self.trained.busy.extend(trained.busy)
        if trained.unbegun:  # what is searched for has no answer on half of the trials
            raise StreamError(trained.unbegun[0].reason)
        return stored_runs(plan)

    def tell(self, runs: Iterable[StoredRun]) -> None:
        """A line for each run that has ended and has none yet."""
        for run in runs if self.lines else ():
            if self.lines and run.status != "pruned" and run.result.run not in self.told:
                self.told.add(run.result.run)
                self.lines.write(run)

    def _ended(self, event: Ended) -> None:
        if self.lines and event.result.status != "pruned":  # which may go on
            self.told.add(event.run.hash)
            self.lines.ended(event)


def reported(tuner: Tuner) -> Experiment:
    """What a search that is over asks to be trained on the reporting seeds.

    The best setting of each optimizer, which are `tuned`, and its default, each once.
    """
    found, contenders = tuner.best(), tuner.search.contenders
    best = [one.setting(found[one.label].values) for one in contenders if one.label in found]
    defaults = [default for one in contenders if (default := one.default()) is not None]
    unique = {setting.setting_hash: setting for setting in (*best, *defaults)}
    return dataclasses.replace(
        tuner.search.experiment,
        settings=tuple(unique.values()),
        searches=(),
        tuned=frozenset(setting.setting_hash for setting in best),
    )
