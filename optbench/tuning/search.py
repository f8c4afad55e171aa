"""A search: batches of trials of every optimizer, trained together, until the budget is used up.

The runs in the store are all that a search knows of its past. Started again, it proposes the same
trials, finds those that are finished, and goes on with the first that is not.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from optbench.analysis.edges import find_edges
from optbench.analysis.trials import Outcome, best, outcome
from optbench.errors import EXIT_RUNS_FAILED, OptbenchError, StoreError
from optbench.execution.plan import Plan, Planned, make_plan, stored_runs
from optbench.store.rundir import RunDirectory
from optbench.store.stored_run import stored_run
from optbench.store.tuning import SUFFIX, Contender, Study, Trial, write_study
from optbench.tuning.budget import Bracket, Budget, trials_of
from optbench.tuning.proposals import make_proposer
from optbench.tuning.pruning import above_median, at, best_ones, history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from optbench.analysis.edges import Edge
    from optbench.catalog.search import Search, Searched
    from optbench.config.spec import Experiment, Run, Setting
    from optbench.store.stored_run import StoredRun
    from optbench.tuning.proposals import Proposer


class TrialsFailedError(OptbenchError):
    """All trials of an optimizer fail, so that there is nothing to choose from."""

    exit_code = EXIT_RUNS_FAILED


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


@dataclass
class _Asked:
    """Trials of one bracket; `going` are the numbers of those that have not been pruned."""

    bracket: Bracket
    trials: list[Trial]
    going: set[int]
    level: int = 0
    left: dict[int, int] = field(default_factory=dict)  # number → the rung where it was pruned

    @property
    def until(self) -> int:
        """The epoch to which those that are left train next."""
        return self.bracket.rungs[self.level]

    @property
    def is_over(self) -> bool:
        return self.level == len(self.bracket.rungs)


@dataclass
class _Side:
    """One optimizer while it is searched."""

    searched: Searched
    proposer: Proposer
    budget: Budget
    outcomes: list[Outcome] = field(default_factory=list)
    complete: list[dict[float, float]] = field(default_factory=list)  # epoch → objective
    settings: dict[int, Setting] = field(default_factory=dict)  # by the trials' numbers
    asked: list[_Asked] = field(default_factory=list)

    @property
    def label(self) -> str:
        return self.searched.label

    @property
    def trials(self) -> list[Trial]:
        """All that were proposed."""
        return [
            *(one.trial for one in self.outcomes),
            *(trial for asked in self.asked for trial in asked.trials),
        ]


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
            _Side(searched, proposer, Budget(tuning, self.trials, search.epochs))
            for searched, proposer in zip(search.contenders, proposers, strict=True)
        ]
        self.default_settings = self._defaults()

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
            while any(not asked.is_over for side in self.sides for asked in side.asked):
                self._climb()
            for side in self.sides:
                self._tell(side)
        self._store()

    def outcomes(self) -> dict[str, tuple[Outcome, ...]]:
        """What has been tried, by the optimizers' labels."""
        return {side.label: tuple(side.outcomes) for side in self.sides}

    def best(self) -> dict[str, Trial]:
        """The chosen trial of each optimizer that has one that came to its end."""
        objective = self.search.tuning.objective
        found = {side.label: best(side.outcomes, objective) for side in self.sides}
        return {label: one.trial for label, one in found.items() if one is not None}

    def _defaults(self) -> dict[str, Setting]:
        found = {side.label: side.searched.default() for side in self.sides}
        return {label: self.settle(one) for label, one in found.items() if one is not None}

    def study(self) -> Study:
        """What tuning.json says."""
        search, tuning = self.search, self.search.tuning
        chosen = {} if self._is_going() else self.best()
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
            contenders=tuple(self._contender(side, chosen) for side in self.sides),
        )

    def _contender(self, side: _Side, chosen: Mapping[str, Trial]) -> Contender:
        best, default = chosen.get(side.label), self.default_settings.get(side.label)
        return Contender(
            label=side.label,
            dimensions=side.searched.dimensions,
            trials=tuple(side.trials),
            best=None if best is None else best.number,
            selected=None if best is None else side.settings[best.number].setting_hash,
            default=None if default is None else default.setting_hash,
            edges=tuple(f"{one.dimension.key} {one.end}" for one in self._edges(side, best)),
        )

    def edges(self) -> tuple[Edge, ...]:
        """Of every optimizer, the ends of its spaces at which its best trial lies."""
        chosen = self.best()
        return tuple(e for side in self.sides for e in self._edges(side, chosen.get(side.label)))

    def _edges(self, side: _Side, best: Trial | None) -> tuple[Edge, ...]:
        if best is None:
            return ()
        return find_edges(side.searched, best.values, [trial.values for trial in side.trials])

    def _is_going(self) -> bool:
        return any(side.asked or self._next_batch(side) for side in self.sides)

    def _used(self, side: _Side) -> float:
        """Epochs on one seed; a trial that diverges at once counts as one that is pruned first."""
        least, seeds = self.search.tuning.min_epochs, len(self.search.tuning.seeds)
        return sum(max(one.epochs / seeds, least) for one in side.outcomes)

    def _next_batch(self, side: _Side) -> tuple[Bracket, ...]:
        return side.budget.next_batch(len(side.outcomes), self._used(side))

    def _ask(self) -> bool:
        """Propose the next batch of every optimizer; False when all budgets are used up."""
        for side in self.sides:
            brackets = self._next_batch(side)
            values = side.proposer.ask(sum(one.trials for one in brackets)) if brackets else []
            first = len(side.outcomes)
            trials = [self._trial(side, first + n, value) for n, value in enumerate(values)]
            for bracket in brackets:
                mine, trials = trials[: bracket.trials], trials[bracket.trials :]
                if mine:
                    side.asked.append(_Asked(bracket, mine, {trial.number for trial in mine}))
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
        """All that goes on, each run to the next rung of its bracket; what is there counts as done.

        A point that was asked twice trains to the further one.
        """
        settings: dict[str, Setting] = {}
        until: dict[str, int] = {}
        for side in self.sides:
            for asked in (asked for asked in side.asked if not asked.is_over):
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
            for asked in (asked for asked in side.asked if not asked.is_over):
                self._check_trained(side, asked, stored)
                asked.level += 1
                if not asked.is_over:
                    going = self._going_on(side, asked, stored)
                    rung = asked.bracket.rungs[asked.level - 1]
                    asked.left |= dict.fromkeys(asked.going - going, rung)
                    asked.going = going

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

    def _check_trained(self, side: _Side, asked: _Asked, stored: Mapping[str, StoredRun]) -> None:
        for trial in (trial for trial in asked.trials if trial.number in asked.going):
            if outcome(trial, stored, self.search.tuning.objective).status == "missing":
                raise StoreError(
                    f"trial {trial.position} of {side.label} is not finished: another process "
                    "trains it. The same command goes on once that has ended."
                )

    def _going_on(self, side: _Side, asked: _Asked, stored: Mapping[str, StoredRun]) -> set[int]:
        """The numbers of the trials that are not pruned at the rung that was just reached."""
        objective = self.search.tuning.objective
        rung, keep = asked.bracket.rungs[asked.level - 1], asked.bracket.sizes[asked.level]
        going = [trial for trial in asked.trials if trial.number in asked.going]
        told = {trial.number: history(trial, stored, objective) for trial in going}
        if self.search.tuning.pruner == "median":
            return above_median(told, rung, side.complete, objective)
        return best_ones(told, rung, keep, objective)

    def _tell(self, side: _Side) -> None:
        objective = self.search.tuning.objective
        trials = [trial for asked in side.asked for trial in asked.trials]
        left = {number: rung for asked in side.asked for number, rung in asked.left.items()}
        if not trials:
            return
        plan = make_plan(
            [self._experiment(side.settings[trial.number] for trial in trials)],
            lambda one: one,
            self.store,
            force=False,
        )
        stored = stored_runs(plan)
        told = [self._outcome(trial, stored, left.get(trial.number)) for trial in trials]
        for one in told:
            if one.status == "pruned":  # decided for good: nothing goes on from there
                for run in (run for run in one.runs if run.status == "pruned"):
                    RunDirectory(run.path).delete_checkpoints()
            elif one.status == "completed":
                side.complete.append(history(one.trial, stored, objective))
        side.proposer.tell(told)
        side.outcomes += told
        side.asked = []
        if all(one.status == "failed" for one in side.outcomes):
            raise TrialsFailedError(_all_failed(side))

    def _outcome(self, trial: Trial, stored: Mapping[str, StoredRun], rung: int | None) -> Outcome:
        """What became of a trial; of one that was pruned, at that rung, however far its run is.

        It may have gone on as another trial, or in another search.
        """
        objective = self.search.tuning.objective
        found = outcome(trial, stored, objective)
        if rung is None or found.status not in ("completed", "pruned"):
            return found
        value = at(history(trial, stored, objective), rung)
        epochs = float(rung * len(trial.runs))
        return dataclasses.replace(found, status="pruned", value=value, epochs=epochs)

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


def _all_failed(side: _Side) -> str:
    first = side.outcomes[0]
    (run, *_) = [run for run in first.runs if run.status == "failed"]
    tried = len(side.outcomes)
    which = "the only trial" if tried == 1 else f"all {tried} trials"
    return (
        f"{which} of {side.label} failed, the first with {run.result.reason}; the "
        f"traceback is in {run.path / 'log.txt'}. What others finished is kept."
    )
