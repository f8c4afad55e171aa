"""A search: batches of trials of every optimizer, trained together, until the budget is used up.

The runs in the store are all that a search knows of its past. Started again, it proposes the same
trials, finds those that are finished, and goes on with the first that is not.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from optbench.execution.plan import Plan, Planned, make_plan, stored_runs
from optbench.store.stored_run import stored_run
from optbench.store.tuning import SUFFIX, Study, Trial, write_study
from optbench.tuning.budget import Budget, trials_of
from optbench.tuning.proposals import make_proposer
from optbench.tuning.side import Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from optbench.analysis.edges import Edge
    from optbench.analysis.trials import Outcome
    from optbench.catalog.search import Search, Searched
    from optbench.config.spec import Experiment, Run, Setting
    from optbench.store.stored_run import StoredRun


@dataclass(frozen=True)
class Phase:
    """What comes next: so many runs, the furthest until that epoch.

    `done` trials of each optimizer are over. `epochs` are those that come now, `left` all that are
    to come at most, these among them, both over all optimizers and seeds.
    """

    asked: int
    until: int
    done: int
    epochs: float
    left: float


class Stage(Protocol):
    """Who carries plans out, in front of somebody or not."""

    def train(self, plan: Plan, phase: Phase) -> None:
        """Train what is not finished."""


class Tuner:
    """Carries a search out."""

    def __init__(
        self,
        search: Search,
        settle: Callable[[Setting], Setting],
        store: Path,
        stage: Stage,
        widenings: int = 0,
    ) -> None:
        """`settle` decides a setting's data; runs go to `store`.

        Raises UsageError where the sampler can't search these spaces, or Optuna is missing.
        """
        self.search = search
        self.settle = settle
        self.store = store
        self.stage = stage
        self.round = widenings
        tuning = search.tuning
        proposers = [make_proposer(tuning, one.label, one.dimensions) for one in search.contenders]
        self.trials = trials_of(search)
        self.sides = [
            Side(
                searched=searched,
                tuning=tuning,
                proposer=proposer,
                budget=Budget(tuning, self.trials, search.epochs),
                default=self._default(searched),
            )
            for searched, proposer in zip(search.contenders, proposers, strict=True)
        ]

    @property
    def folder(self) -> Path:
        return self.store / f"{self.search.experiment.name}{SUFFIX}"

    @property
    def epochs(self) -> int:
        """What all optimizers may use together, over all seeds."""
        each = self.trials * self.search.epochs * len(self.search.tuning.seeds)
        return each * len(self.sides)

    def first_plan(self) -> Plan:
        """What the first batch trains, for a look ahead; the search can't go on from there."""
        self._ask()
        return self._plan()

    def run(self) -> None:
        """Search until every optimizer has used its budget.

        Raises TrialsFailedError where all that an optimizer tried failed, and StoreError for runs
        that another process trains.
        """
        while self._ask():
            self._store()
            while any(side.climbing for side in self.sides):
                self._climb()
            for side in self.sides:
                self._tell(side)
        self._store()

    def outcomes(self) -> dict[str, tuple[Outcome, ...]]:
        """What has been tried, by the optimizers' labels."""
        return {side.label: tuple(side.outcomes) for side in self.sides}

    def best(self) -> dict[str, Trial]:
        """The chosen trial of each optimizer that has one that came to its end."""
        found = {side.label: side.best() for side in self.sides}
        return {label: trial for label, trial in found.items() if trial is not None}

    def study(self) -> Study:
        """What tuning.json says."""
        search, tuning = self.search, self.search.tuning
        chosen = {} if any(side.is_going for side in self.sides) else self.best()
        return Study(
            experiment=search.experiment.name,
            file=str(search.experiment.file),
            objective=tuning.objective,
            sampler=tuning.sampler,
            sampler_seed=tuning.sampler_seed,
            batch=tuning.batch,
            pruner=tuning.pruner,
            trials=self.trials,
            epochs=search.epochs,
            seeds=tuning.seeds,
            reporting_seeds=search.experiment.seeds,
            round=self.round,
            contenders=tuple(side.contender(chosen.get(side.label)) for side in self.sides),
        )

    def edges(self) -> tuple[Edge, ...]:
        """Of every optimizer, the ends of its spaces at which its best trial lies."""
        return tuple(edge for side in self.sides for edge in side.edges(side.best()))

    def _default(self, searched: Searched) -> Setting | None:
        found = searched.default()
        return None if found is None else self.settle(found)

    def _ask(self) -> bool:
        """Propose the next batch of every optimizer; False when all budgets are used up."""
        for side in self.sides:
            side.ask(self._runs)
        return any(side.asked for side in self.sides)

    def _runs(self, setting: Setting) -> tuple[Run, ...]:
        return self._experiment([self.settle(setting)]).runs()

    def _experiment(self, settings: Iterable[Setting]) -> Experiment:
        """Settings on the tuning seeds, as an experiment of its own."""
        experiment = self.search.experiment
        return dataclasses.replace(
            experiment,
            name=f"{experiment.name}{SUFFIX}",
            settings=tuple({one.setting_hash: one for one in settings}.values()),
            seeds=self.search.tuning.seeds,
            claims=(),
            searches=(),
        )

    def _plan(self) -> Plan:
        """All that goes on, each run to the next rung of its bracket; what is there counts as done.

        A point that was asked twice trains to the further one.
        """
        settings: dict[str, Setting] = {}
        until: dict[str, int] = {}
        for side in self.sides:
            for asked in side.climbing:
                for number in sorted(asked.going):
                    setting = side.settings[number]
                    settings[setting.setting_hash] = setting
                    known = until.get(setting.setting_hash, 0)
                    until[setting.setting_hash] = max(known, asked.until)
        experiment = self._experiment(settings.values())
        plan = make_plan([experiment], lambda one: one, self.store, force=False)
        runs = (_towards(one, until, self.search.epochs) for one in plan.runs)
        return dataclasses.replace(plan, runs=tuple(runs))

    def _climb(self) -> None:
        """Train everything to its next rung, and decide who goes on from there."""
        plan = self._plan()
        if plan.to_train:
            self.stage.train(plan, self._phase(plan))
        stored = stored_runs(plan)
        for side in self.sides:
            side.climb(stored)

    def _phase(self, plan: Plan) -> Phase:
        pending = plan.to_train
        epochs = sum((one.until or self.search.epochs) - _epoch(one) for one in pending)
        used = sum(sum(one.epochs for one in side.outcomes) for side in self.sides)
        begun = sum(_epoch(one) for one in pending)
        return Phase(
            asked=len(pending),
            until=max(one.until or self.search.epochs for one in pending),
            done=min(len(side.outcomes) for side in self.sides),
            epochs=epochs,
            left=max(self.epochs - used - begun, epochs),
        )

    def _tell(self, side: Side) -> None:
        if side.asked:
            asked = (side.settings[trial.number] for trial in side.asked_trials)
            plan = make_plan([self._experiment(asked)], lambda one: one, self.store, force=False)
            side.tell(stored_runs(plan))

    def _store(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_study(self.folder, self.study())


def _towards(planned: Planned, until: Mapping[str, int], epochs: int) -> Planned:
    """A run that trains to its next rung; one that was put aside there or later is done so far."""
    rung = until[planned.run.setting.setting_hash]
    if planned.stored is not None or rung == epochs:
        return planned
    found = stored_run(planned.directory, planned.run.hash)
    if found is not None and found.status == "pruned" and _last_epoch(found) >= rung:
        return dataclasses.replace(planned, stored=found)
    return dataclasses.replace(planned, until=rung)


def _epoch(planned: Planned) -> float:
    """How far a run that is not finished has come."""
    found = stored_run(planned.directory, planned.run.hash)
    return 0.0 if found is None else _last_epoch(found)


def _last_epoch(run: StoredRun) -> float:
    return (run.result.last or {}).get("epoch") or 0.0
