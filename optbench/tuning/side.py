"""One optimizer while it is searched: its trials, who of them goes on, and what became of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from optbench.analysis.edges import find_edges
from optbench.analysis.trials import best, outcome
from optbench.errors import EXIT_RUNS_FAILED, OptbenchError, StoreError
from optbench.store.rundir import RunDirectory
from optbench.store.tuning import Contender, Trial
from optbench.tuning.pruning import above_median, at, best_ones, history

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optbench.analysis.edges import Edge
    from optbench.analysis.trials import Outcome
    from optbench.catalog.search import Searched
    from optbench.config.spec import Run, Setting
    from optbench.config.tuning import Tuning
    from optbench.store.stored_run import StoredRun
    from optbench.tuning.budget import Bracket, Budget
    from optbench.tuning.proposals import Proposer


class TrialsFailedError(OptbenchError):
    """All trials of an optimizer fail, so that there is nothing to choose from."""

    exit_code = EXIT_RUNS_FAILED


@dataclass
class Asked:
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
class Side:
    """One optimizer while it is searched.

    `default` is its setting with the default of all that is searched, None where it has none.
    """

    searched: Searched
    tuning: Tuning
    proposer: Proposer
    budget: Budget
    default: Setting | None
    outcomes: list[Outcome] = field(default_factory=list)
    complete: list[dict[float, float]] = field(default_factory=list)  # epoch → objective
    settings: dict[int, Setting] = field(default_factory=dict)  # by the trials' numbers
    asked: list[Asked] = field(default_factory=list)

    @property
    def label(self) -> str:
        return self.searched.label

    @property
    def asked_trials(self) -> list[Trial]:
        """Those whose outcomes are not told yet."""
        return [trial for asked in self.asked for trial in asked.trials]

    @property
    def trials(self) -> list[Trial]:
        """All that were proposed."""
        return [*(one.trial for one in self.outcomes), *self.asked_trials]

    @property
    def climbing(self) -> list[Asked]:
        """What has to train to its next rung."""
        return [asked for asked in self.asked if not asked.is_over]

    @property
    def is_going(self) -> bool:
        """Whether trials are trained, or the budget suffices for another."""
        return bool(self.asked or self._next_batch())

    def best(self) -> Trial | None:
        """The chosen one of those that came to their end."""
        found = best(self.outcomes, self.tuning.objective)
        return None if found is None else found.trial

    def edges(self, best: Trial | None) -> tuple[Edge, ...]:
        """The ends of its spaces at which its best trial lies."""
        if best is None:
            return ()
        return find_edges(self.searched, best.values, [trial.values for trial in self.trials])

    def contender(self, best: Trial | None) -> Contender:
        """What tuning.json says of it; `best` is None until that is known."""
        return Contender(
            label=self.label,
            dimensions=self.searched.dimensions,
            trials=tuple(self.trials),
            best=None if best is None else best.number,
            selected=None if best is None else self.settings[best.number].setting_hash,
            default=None if self.default is None else self.default.setting_hash,
            edges=tuple(f"{one.dimension.key} {one.end}" for one in self.edges(best)),
        )

    def ask(self, runs_of: Callable[[Setting], tuple[Run, ...]]) -> None:
        """Propose the next batch, where the budget suffices for one.

        `runs_of` gives a setting's runs on the tuning seeds, with its data decided.
        """
        brackets = self._next_batch()
        values = self.proposer.ask(sum(one.trials for one in brackets)) if brackets else []
        trials = []
        for number, value in enumerate(values, len(self.outcomes)):
            runs = runs_of(self.searched.setting(value))
            self.settings[number] = runs[0].setting
            trials.append(Trial(number, value, tuple(run.hash for run in runs)))
        for bracket in brackets:
            mine, trials = trials[: bracket.trials], trials[bracket.trials :]
            if mine:
                self.asked.append(Asked(bracket, mine, {trial.number for trial in mine}))

    def climb(self, stored: Mapping[str, StoredRun]) -> None:
        """Decide who goes on from the rungs that were just reached.

        Raises StoreError for runs that another process trains.
        """
        for asked in self.climbing:
            self._check_trained(asked, stored)
            asked.level += 1
            if not asked.is_over:
                going = self._going_on(asked, stored)
                rung = asked.bracket.rungs[asked.level - 1]
                asked.left |= dict.fromkeys(asked.going - going, rung)
                asked.going = going

    def tell(self, stored: Mapping[str, StoredRun]) -> None:
        """Take up what became of the trials that were asked.

        Raises TrialsFailedError where all so far failed.
        """
        left = {number: rung for asked in self.asked for number, rung in asked.left.items()}
        told = [self._outcome(one, stored, left.get(one.number)) for one in self.asked_trials]
        for one in told:
            if one.status == "pruned":  # decided for good: nothing goes on from there
                for run in (run for run in one.runs if run.status == "pruned"):
                    RunDirectory(run.path).delete_checkpoints()
            elif one.status == "completed":
                self.complete.append(history(one.trial, stored, self.tuning.objective))
        self.proposer.tell(told)
        self.outcomes += told
        self.asked = []
        if all(one.status == "failed" for one in self.outcomes):
            raise TrialsFailedError(self._all_failed())

    def _next_batch(self) -> tuple[Bracket, ...]:
        return self.budget.next_batch(len(self.outcomes), self._used())

    def _used(self) -> float:
        """Epochs on one seed; a trial that diverges at once counts as one that is pruned first."""
        least, seeds = self.tuning.min_epochs, len(self.tuning.seeds)
        return sum(max(one.epochs / seeds, least) for one in self.outcomes)

    def _check_trained(self, asked: Asked, stored: Mapping[str, StoredRun]) -> None:
        for trial in (trial for trial in asked.trials if trial.number in asked.going):
            if outcome(trial, stored, self.tuning.objective).status == "missing":
                raise StoreError(
                    f"trial {trial.position} of {self.label} is not finished: another process "
                    "trains it. The same command goes on once that has ended."
                )

    def _going_on(self, asked: Asked, stored: Mapping[str, StoredRun]) -> set[int]:
        """The numbers of the trials that are not pruned at the rung that was just reached."""
        objective = self.tuning.objective
        rung, keep = asked.bracket.rungs[asked.level - 1], asked.bracket.sizes[asked.level]
        going = [trial for trial in asked.trials if trial.number in asked.going]
        told = {trial.number: history(trial, stored, objective) for trial in going}
        if self.tuning.pruner == "median":
            return above_median(told, rung, self.complete, objective)
        return best_ones(told, rung, keep, objective)

    def _outcome(self, trial: Trial, stored: Mapping[str, StoredRun], rung: int | None) -> Outcome:
        """What became of a trial; of one that was pruned, at that rung, however far its run is.

        It may have gone on as another trial, or in another search.
        """
        objective = self.tuning.objective
        found = outcome(trial, stored, objective)
        if rung is None or found.status not in ("completed", "pruned"):
            return found
        value = at(history(trial, stored, objective), rung)
        epochs = float(rung * len(trial.runs))
        return dataclasses.replace(found, status="pruned", value=value, epochs=epochs)

    def _all_failed(self) -> str:
        first = self.outcomes[0]
        (run, *_) = [run for run in first.runs if run.status == "failed"]
        tried = len(self.outcomes)
        which = "the only trial" if tried == 1 else f"all {tried} trials"
        return (
            f"{which} of {self.label} failed, the first with {run.result.reason}; the "
            f"traceback is in {run.path / 'log.txt'}. What others finished is kept."
        )
