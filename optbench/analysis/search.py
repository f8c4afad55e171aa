"""Searches: the values of hyperparameters that were tried, and what came of each.

Those of `optbench tune`, trial by trial; or the settings of a grid, which stand for trials.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from optbench.analysis.comparison import recorded_metric
from optbench.analysis.metric import Metric
from optbench.analysis.pictures.series import family
from optbench.analysis.setting import Setting
from optbench.analysis.target import final
from optbench.analysis.trials import outcomes, worst
from optbench.config.spec import format_value
from optbench.errors import StoreError, UsageError
from optbench.store.scan import scan
from optbench.store.tuning import Dimension, read_study, tuning_folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.rows import SettingRow
    from optbench.analysis.trials import Fate, Outcome
    from optbench.store.stored_run import StoredRun
    from optbench.store.tuning import Contender, Study

FEWEST_TRIALS = 4


@dataclass(frozen=True)
class Tried:
    """One trial: its values by the dimensions' keys, and what became of it.

    `objective` is what the search goes by, infinitely bad where it diverged, and `untrained` the
    same before training; `metric` is what the comparison is about, of one that diverged as
    untrained. All are means over its seeds. None where it was not measured, and of a trial that
    failed or is missing.
    """

    number: int
    values: Mapping[str, Any]
    fate: Fate
    objective: float | None
    untrained: float | None
    metric: float | None
    epochs: float

    @property
    def position(self) -> int:
        """As people count: numbers begin with 0."""
        return self.number + 1


@dataclass(frozen=True)
class Search:
    """One optimizer's trials, in their order; `best` is the number of the chosen one.

    `selected` and `default` are the hashes of the settings that are compared in the end.
    """

    label: str
    family: str
    dimensions: tuple[Dimension, ...]
    tried: tuple[Tried, ...]
    best: int | None
    selected: str | None = None
    default: str | None = None

    @property
    def told(self) -> tuple[Tried, ...]:
        """The trials with a value of the objective and of the metric."""
        return tuple(
            one for one in self.tried if one.objective is not None and one.metric is not None
        )

    @property
    def chosen(self) -> Tried | None:
        return next((one for one in self.tried if one.number == self.best), None)

    def values(self, key: str) -> list[Any]:
        """What was tried of a key, trial by trial."""
        return [one.values[key] for one in self.tried if key in one.values]

    def count(self, fate: Fate) -> int:
        return sum(one.fate == fate for one in self.tried)


@dataclass(frozen=True)
class ProblemSearch:
    """What was searched on one problem, under which budget; `sampler` is None of a grid.

    `is_sample`: the trials are a random sample of the spaces, each trained to its end. `trials`
    and `epochs` are the budget of one optimizer, `seeds` how many runs make a trial.
    """

    problem: str  # its hash
    label: str
    experiment: str
    metric: Metric
    objective: str
    sampler: str | None
    pruner: str
    is_sample: bool
    trials: int
    epochs: int
    seeds: int
    searches: tuple[Search, ...]

    @property
    def higher_is_better(self) -> bool:
        """Of the objective."""
        return Metric(self.objective).higher_is_better

    def at_worst(self, one: Tried) -> float:
        """The objective of a trial that has one: no worse than untrained, where that is known."""
        value = math.nan if one.objective is None else one.objective
        if one.untrained is None or not math.isfinite(one.untrained):
            return value
        return (max if self.higher_is_better else min)(value, one.untrained)


def with_searches(comparison: Comparison, roots: Sequence[Path]) -> Comparison:
    """With the searches of `optbench tune` that belong to these stores and the compared problems.

    One that can't be read is left out.
    """
    compared = {problem.key for problem in comparison.problems}
    found = (_read(folder, comparison.metric) for folder in tuning_folders(*roots))
    return replace(
        comparison, searches=tuple(one for one in found if one and one.problem in compared)
    )


def all_searches(comparison: Comparison) -> tuple[ProblemSearch, ...]:
    """The comparison's searches, then the grids of the problems that have none."""
    known = {found.problem for found in comparison.searches}
    grids = (_grid(problem) for problem in comparison.problems if problem.key not in known)
    return (*comparison.searches, *grids)


def with_dimensions(searches: Iterable[ProblemSearch], fewest: int) -> tuple[ProblemSearch, ...]:
    """Those with so many searched values, each with its optimizers that have them and 4 trials.

    UsageError where there is none.
    """
    found = []
    for problem in searches:
        shown = tuple(
            one
            for one in problem.searches
            if len(one.dimensions) >= fewest and len(one.told) >= FEWEST_TRIALS
        )
        if shown:
            found.append(replace(problem, searches=shown))
    if not found:
        values = "a value" if fewest == 1 else f"{fewest} values"
        raise UsageError(
            f"this picture needs {FEWEST_TRIALS} trials of one optimizer that differ in {values}; "
            "search with `optbench tune`"
        )
    return tuple(found)


def _read(folder: Path, metric: Metric) -> ProblemSearch | None:
    try:
        study, runs = read_study(folder), scan(folder).runs
        return _of_study(study, runs, metric)
    except StoreError:
        return None


def _of_study(study: Study, runs: Sequence[StoredRun], metric: Metric) -> ProblemSearch | None:
    measured = [run for run in runs if run.finished and run.rows]
    if not measured:
        return None
    first = measured[0].result
    told = recorded_metric(metric, [Setting(first.setting, tuple(measured))])
    found = outcomes(study, runs)
    return ProblemSearch(
        problem=first.problem,
        label=first.labels.problem,
        experiment=study.experiment,
        metric=told,
        objective=study.objective,
        sampler=study.sampler,
        pruner=study.pruner,
        is_sample=study.is_sample,
        trials=study.trials,
        epochs=study.epochs,
        seeds=len(study.seeds),
        searches=tuple(_search(one, found[one.label], study, told) for one in study.contenders),
    )


def _search(contender: Contender, found: Sequence[Outcome], study: Study, metric: Metric) -> Search:
    families = [Setting(run.result.setting, (run,)).family for one in found for run in one.runs]
    kin = statistics.mode(families) if families else contender.label.split()[0]
    tried = tuple(_tried(one, study.objective, metric) for one in found)
    return Search(
        label=contender.label,
        family=kin,
        dimensions=contender.dimensions,
        tried=tried,
        best=contender.best,
        selected=contender.selected,
        default=contender.default,
    )


def _tried(outcome: Outcome, objective: str, metric: Metric) -> Tried:
    ended = outcome.status in ("completed", "pruned", "diverged")
    runs = outcome.runs if ended else ()
    diverged = outcome.status == "diverged"
    return Tried(
        number=outcome.trial.number,
        values=outcome.trial.values,
        fate=outcome.status,
        objective=outcome.value,
        untrained=_mean(runs, objective, untrained=True),
        metric=_mean(runs, metric.name, untrained=diverged),
        epochs=outcome.epochs,
    )


def _mean(runs: Iterable[StoredRun], column: str, *, untrained: bool) -> float | None:
    """Of the last rows, or of the first ones; None where no run has a finite value."""
    values = [
        run.rows[0].get(column) if untrained else final(run, column) for run in runs if run.rows
    ]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return statistics.fmean(finite) if finite else None


def _grid(problem: ProblemComparison) -> ProblemSearch:
    rows: dict[str, list[SettingRow]] = defaultdict(list)
    for row in problem.rows:
        if row.completed or row.diverged:
            rows[family(row)].append(row)
    return ProblemSearch(
        problem=problem.key,
        label=problem.label,
        experiment="",
        metric=problem.metric,
        objective=problem.criterion,
        sampler=None,
        pruner="none",
        is_sample=False,
        trials=max(map(len, rows.values()), default=0),
        epochs=0,
        seeds=max((row.total for row in problem.rows), default=0),
        searches=tuple(_settings(name, tried, problem) for name, tried in rows.items()),
    )


def _settings(name: str, rows: Sequence[SettingRow], problem: ProblemComparison) -> Search:
    """A family's settings in order of rank, the best first."""
    values = [_flat(row.hyperparameters) for row in rows]
    keys = dict.fromkeys(key for one in values for key in one)
    told = {key: _distinct(values, key) for key in keys}
    varying = sorted((key for key in keys if len(told[key]) > 1), key=lambda key: key != "lr")
    dimensions = [Dimension(key, "grid", choices=told[key]) for key in varying]
    tried = [
        _setting(number, row, {key: one[key] for key in varying if key in one}, problem)
        for number, (row, one) in enumerate(zip(rows, values, strict=True))
    ]
    return Search(name, name, tuple(dimensions), tuple(tried), best=0)


def _setting(
    number: int, row: SettingRow, values: Mapping[str, Any], problem: ProblemComparison
) -> Tried:
    runs = [run for run in row.runs if run.finished]
    objective = problem.criterion
    told = worst("val_loss") if row.diverged else _mean(runs, objective, untrained=False)
    return Tried(
        number=number,
        values=values,
        fate="diverged" if row.diverged else "completed",
        objective=told,
        untrained=_mean(runs, objective, untrained=True),
        metric=_mean(runs, problem.metric.name, untrained=bool(row.diverged)),
        epochs=sum(run.rows[-1]["epoch"] or 0 for run in runs if run.rows),
    )


def _flat(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """The elements of a list by their places: `betas[0]`."""
    flat: dict[str, Any] = {}
    for key, value in hyperparameters.items():
        if isinstance(value, list | tuple):
            flat |= {f"{key}[{place}]": item for place, item in enumerate(value)}
        else:
            flat[key] = value
    return flat


def _distinct(values: Iterable[Mapping[str, Any]], key: str) -> tuple[Any, ...]:
    """The values of a key, numbers by size, then all else by name."""
    found = {format_value(one[key]): one[key] for one in values if key in one}
    numbers = [one for one in found.values() if is_number(one)]
    others = {text: one for text, one in found.items() if not is_number(one)}
    return (*sorted(numbers), *(others[text] for text in sorted(others)))


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
