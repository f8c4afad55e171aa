"""A search: batches of trials of every optimizer, trained together, until the budget is used up.

The runs in the store are all that a search knows of its past. Started again, it proposes the same
trials, finds those that are finished, and goes on with the first that is not.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from optbench.analysis.trials import Outcome, best, outcome
from optbench.errors import EXIT_RUNS_FAILED, OptbenchError, StoreError, UsageError
from optbench.execution.plan import Plan, make_plan
from optbench.store.tuning import SUFFIX, Contender, Study, Trial, write_study
from optbench.tuning.proposals import batch_size, make_proposer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from optbench.catalog.search import Search, Searched
    from optbench.config.spec import Experiment, Run, Setting
    from optbench.store.scan import StoredRun
    from optbench.tuning.proposals import Proposer

DEFAULT_TRIALS = 30


class TrialsFailedError(OptbenchError):
    """All trials of an optimizer fail, so that there is nothing to choose from."""

    exit_code = EXIT_RUNS_FAILED


@dataclass(frozen=True)
class Batch:
    """Where a search is: `asked` trials come next, after `done` of each optimizer's `trials`."""

    asked: int
    done: int
    trials: int
    contenders: int

    @property
    def left(self) -> int:
        """Trials that are to come, those asked among them."""
        return self.contenders * (self.trials - self.done)


class Stage(Protocol):
    """Who carries plans out, in front of somebody or not."""

    def train(self, plan: Plan, batch: Batch) -> Mapping[str, StoredRun]:
        """Train what is not finished; all runs of the plan that are there, by their hashes."""


@dataclass
class _Side:
    """One optimizer while it is searched."""

    searched: Searched
    proposer: Proposer
    outcomes: list[Outcome] = field(default_factory=list)
    settings: dict[int, Setting] = field(default_factory=dict)  # by the trials' numbers
    asked: list[Trial] = field(default_factory=list)


class Tuner:
    """Carries a search out; see `search`."""

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
        self.sides = [self._side(searched) for searched in search.contenders]
        self.trials = trials_of(search)

    @property
    def folder(self) -> Path:
        return self.store / f"{self.search.experiment.name}{SUFFIX}"

    def _side(self, searched: Searched) -> _Side:
        tuning = self.search.tuning
        return _Side(searched, make_proposer(tuning, searched.label, searched.dimensions))

    def first_plan(self) -> Plan:
        """What the first batch trains, for a look ahead; the search can't go on from there."""
        self._ask()
        return self._plan()

    def run(self) -> None:
        """Search until every optimizer has had its trials.

        Raises TrialsFailedError where all that an optimizer tried failed, and StoreError for runs
        that another process trains.
        """
        while self._ask():
            plan = self._plan()
            self._store()
            stored = self.stage.train(plan, self._batch())
            for side in self.sides:
                self._tell(side, stored)
        self._store()

    def outcomes(self) -> dict[str, tuple[Outcome, ...]]:
        """What has been tried, by the optimizers' labels."""
        return {side.searched.label: tuple(side.outcomes) for side in self.sides}

    def best(self) -> dict[str, Trial]:
        """The chosen trial of each optimizer that has one that came to its end."""
        objective = self.search.tuning.objective
        found = {side.searched.label: best(side.outcomes, objective) for side in self.sides}
        return {label: one.trial for label, one in found.items() if one is not None}

    def selected(self) -> dict[str, Setting]:
        """The setting of each of those, its data decided."""
        settings = {side.searched.label: side.settings for side in self.sides}
        return {label: settings[label][trial.number] for label, trial in self.best().items()}

    def defaults(self) -> dict[str, Setting]:
        """The default setting of each optimizer that has one, its data decided."""
        found = {side.searched.label: side.searched.default() for side in self.sides}
        return {label: self.settle(one) for label, one in found.items() if one is not None}

    def study(self) -> Study:
        """What tuning.json says."""
        search, tuning = self.search, self.search.tuning
        selected, defaults = self.selected(), self.defaults()
        done = not any(side.asked for side in self.sides) and not self._room()
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
            contenders=tuple(
                self._contender(side, selected if done else {}, defaults) for side in self.sides
            ),
        )

    def _contender(
        self, side: _Side, selected: Mapping[str, Setting], defaults: Mapping[str, Setting]
    ) -> Contender:
        label = side.searched.label
        return Contender(
            label=label,
            dimensions=side.searched.dimensions,
            trials=(*(one.trial for one in side.outcomes), *side.asked),
            best=self.best()[label].number if label in selected else None,
            selected=selected[label].setting_hash if label in selected else None,
            default=defaults[label].setting_hash if label in defaults else None,
        )

    def _room(self) -> int:
        """How many trials of each optimizer are left."""
        return self.trials - min(len(side.outcomes) for side in self.sides)

    def _ask(self) -> bool:
        """Propose the next batch of every optimizer; False when the budget is used up."""
        for side in self.sides:
            done = len(side.outcomes)
            room = self.trials - done
            size = batch_size(self.search.tuning, done)
            values = side.proposer.ask(room if size is None else min(room, size)) if room else []
            side.asked = [self._trial(side, done + n, value) for n, value in enumerate(values)]
        return any(side.asked for side in self.sides)

    def _trial(self, side: _Side, number: int, values: dict[str, Any]) -> Trial:
        setting = self.settle(side.searched.setting(values))
        side.settings[number] = setting
        return Trial(number, values, tuple(run.hash for run in self._runs(setting)))

    def _runs(self, setting: Setting) -> tuple[Run, ...]:
        return self._experiment([setting]).runs()

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
        asked = [side.settings[trial.number] for side in self.sides for trial in side.asked]
        return make_plan([self._experiment(asked)], lambda one: one, self.store, force=False)

    def _batch(self) -> Batch:
        asked = sum(len(side.asked) for side in self.sides)
        done = min(len(side.outcomes) for side in self.sides)
        return Batch(asked, done, self.trials, len(self.sides))

    def _tell(self, side: _Side, stored: Mapping[str, StoredRun]) -> None:
        told = [outcome(trial, stored, self.search.tuning.objective) for trial in side.asked]
        missing = [one for one in told if one.status == "missing"]
        if missing:
            raise StoreError(
                f"trial {missing[0].trial.number} of {side.searched.label} is not finished: "
                "another process trains it. The same command goes on once that has ended."
            )
        side.proposer.tell(told)
        side.outcomes += told
        side.asked = []
        if told and all(one.status == "failed" for one in side.outcomes):
            raise TrialsFailedError(_all_failed(side))

    def _store(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_study(self.folder, self.study())


def trials_of(search: Search) -> int:
    """How many trials each optimizer gets.

    Of a grid all points, where nothing else is said. Raises UsageError where optimizers have
    unlike numbers of points, or fewer than are asked for.
    """
    asked = search.tuning.trials
    if search.tuning.sampler != "grid":
        return DEFAULT_TRIALS if asked is None else asked
    points = {one.label: _points(one) for one in search.contenders}
    listed = ", ".join(f"{label} {count:,}" for label, count in points.items())
    if asked is None and len(set(points.values())) > 1:
        raise UsageError(
            f"the grids have unlike numbers of points ({listed}), and every optimizer gets the "
            f"same number of trials: give them as many points, or say --trials "
            f"{min(points.values())}"
        )
    fewest = min(points.values())
    if asked is not None and asked > fewest:
        raise UsageError(
            f"{asked} trials are more than a grid has points ({listed}): --trials {fewest}, more "
            "points, or another sampler"
        )
    return fewest if asked is None else asked


def _points(searched: Searched) -> int:
    count = 1
    for dimension in searched.dimensions:
        count *= len(dimension.choices or ())
    return count


def _all_failed(side: _Side) -> str:
    first = side.outcomes[0]
    (run, *_) = [run for run in first.runs if run.status == "failed"]
    tried = len(side.outcomes)
    which = "the only trial" if tried == 1 else f"all {tried} trials"
    return (
        f"{which} of {side.searched.label} failed, the first with {run.result.reason}; the "
        f"traceback is in {run.path / 'log.txt'}. What others finished is kept."
    )
