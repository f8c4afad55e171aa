"""What the finished runs of each problem show, a row a setting. No verdicts yet."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from optbench.analysis.across import Overall, mean_speedups, overall_accuracies
from optbench.analysis.metric import Metric, comparable
from optbench.analysis.reference import default_reference, find_reference, unknown_reference
from optbench.analysis.rows import RowBuilder, SettingRow
from optbench.analysis.selection import Choices, choices_of, criterion, ranked, tuned_first
from optbench.analysis.setting import (
    Setting,
    differing,
    group_settings,
    labels,
    remarkable,
    telling,
)
from optbench.analysis.target import default_target
from optbench.analysis.where import selected
from optbench.config.metrics import QUANTITIES
from optbench.config.suggest import did_you_mean_metric
from optbench.errors import ArgumentError, StoreError, UsageError
from optbench.store.stored_run import Note, StoredRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optbench.analysis.question import Question
    from optbench.analysis.search import ProblemSearch
    from optbench.analysis.target import Unit
    from optbench.store.tuning import Study


@dataclass(frozen=True)
class ProblemComparison:
    """The settings of one problem: the best of each optimizer first, then the rest."""

    key: str
    label: str
    requested_dataset: str | None
    metric: Metric
    criterion: str
    differing: tuple[str, ...]  # hyperparameters with several values, `lr` first
    telling: tuple[str, ...]  # those of them that tell settings of one optimizer apart
    remarkable: tuple[str, ...]  # these, and what was given beyond the defaults
    reference: SettingRow | None
    target: float | None
    unit: Unit  # of the time to it
    margin: float | None  # within which two settings count as equivalent
    rows: tuple[SettingRow, ...]

    @property
    def contrasts(self) -> tuple[SettingRow, ...]:
        """The best of each optimizer, without the reference."""
        return tuple(row for row in self.rows if row.leads and not row.is_reference)

    @property
    def one_seed_each(self) -> bool:
        """Whether no setting was meant to have more than one seed."""
        return all(row.total == 1 for row in self.rows)

    @property
    def is_measured(self) -> bool:
        """Whether any completed run has a value of the metric."""
        return any(self.metric.name in row.estimates for row in self.rows)


@dataclass(frozen=True)
class Comparison:
    """The outcome of `compare`: problems in stable order, and what could not be used."""

    metric: Metric
    reference: str | None
    target_given: bool
    problems: tuple[ProblemComparison, ...]
    notes: tuple[Note, ...]

    @cached_property
    def mean_speedups(self) -> dict[str, float]:
        """Over several problems: name → geometric mean of its speedups."""
        return mean_speedups(self.problems)

    @property
    def overall_accuracies(self) -> tuple[Overall, ...]:
        """Interquartile means over all problems, best first."""
        return overall_accuracies(self.problems)

    where: tuple[str, ...]  # the conditions that left other runs out
    by: str = "optimizer"  # what is judged, as `Question.by` says
    searches: tuple[ProblemSearch, ...] = ()  # of `optbench tune`, on these problems
    studies: tuple[Study, ...] = ()  # searches whose choices are among the settings


def compare(
    runs: Iterable[StoredRun], question: Question, studies: Iterable[Study] = ()
) -> Comparison:
    """Compare the settings of each problem on a column of metrics.csv.

    What `studies` have chosen leads its family. Raises UsageError for an unknown reference, no
    finished run, and a validation metric without validation.
    """
    found, notes = readable(selected(runs, question.where))
    _check_finished(found)
    _check_held_out(question.measured, found)
    _check_recorded(question.measured, found)
    searches = tuple(studies)
    choices = choices_of(searches)
    problems = [_Candidates(settings, choices) for settings in _by_problem(found)]
    reference = question.reference
    if reference is not None and not any(
        find_reference(reference, problem.labelled) for problem in problems
    ):
        raise unknown_reference(reference, [problem.labelled for problem in problems])
    compared = tuple(_compare_problem(problem, question) for problem in problems)
    return Comparison(
        metric=question.measured,
        reference=reference,
        target_given=question.target is not None,
        problems=compared,
        notes=(*notes, *_without_seconds(found, question)),
        where=question.where,
        by=question.by,
        studies=searches,
    )


@dataclass(frozen=True)
class _Candidates:
    """The settings of one problem, in stable order and by rank."""

    settings: Sequence[Setting]
    choices: Choices

    @cached_property
    def criterion(self) -> str:
        return criterion(self.settings)

    @cached_property
    def labelled(self) -> dict[str, Setting]:
        """Label → setting, from best to worst."""
        told = zip(self.settings, labels(self.settings), strict=True)
        names = {setting.key: label for setting, label in told}
        order = tuned_first(ranked(self.settings, self.criterion), self.choices)
        return {names[setting.key]: setting for setting in order}

    def reference(self, name: str | None) -> Setting | None:
        if name is None:
            defaults = self.choices.defaults
            kept = {k: one for k, one in self.labelled.items() if one.key not in defaults}
            return default_reference(kept or self.labelled)
        return find_reference(name, self.labelled)


def readable(runs: Iterable[StoredRun]) -> tuple[list[StoredRun], tuple[Note, ...]]:
    """The runs whose finished rows can be read; a note for each of the others."""
    kept, notes = [], []
    for run in runs:
        try:
            if run.finished:
                _ = run.rows
            kept.append(run)
        except StoreError as error:
            notes.append(Note(run.path, "damaged", str(error).removeprefix(f"{run.path}/")))
    return kept, tuple(notes)


def _without_seconds(runs: Iterable[StoredRun], question: Question) -> Iterator[Note]:
    """A note for each run whose seconds were recorded, are asked for, and are damaged."""
    timed = (run for run in runs if run.finished and "timing.csv" in run.result.files)
    for run in timed if question.time_unit == "seconds" else ():
        try:
            run.train_seconds()
        except StoreError as error:
            yield Note(run.path, "damaged", str(error).removeprefix(f"{run.path}/"))


def _check_finished(runs: Sequence[StoredRun]) -> None:
    if any(run.finished for run in runs):
        return
    counts = Counter(run.status for run in runs)
    found = ", ".join(f"{count} {status}" for status, count in counts.items()) or "there are none"
    raise UsageError(f"no finished run to compare ({found}); train with `optbench run CONFIG.yaml`")


def _check_held_out(metric: Metric, runs: Iterable[StoredRun]) -> None:
    """Refuse a validation metric where no problem has a validation part."""
    columns = [f"{metric.split}_{quantity}" for quantity in QUANTITIES]
    rows = (row for run in runs if run.finished for row in run.rows)
    if metric.split == "val" and all(row.get(name) is None for row in rows for name in columns):
        told = f"{metric.name} is in no run: add `validation: N` to the data set"
        raise ArgumentError("metric", told)


def _check_recorded(metric: Metric, runs: Iterable[StoredRun]) -> None:
    """Refuse a column that an experiment would have to ask for, where none of them has."""
    if not metric.is_asked_for:
        return
    last = [run.rows[-1] for run in runs if run.finished and run.rows]
    known = comparable(dict.fromkeys(name for row in last for name in row))
    if metric.name not in known:
        hint = did_you_mean_metric(metric.name, known) or f"there are {', '.join(known)}"
        raise ArgumentError("metric", f"{metric.name} is in no run; {hint}")


def _by_problem(runs: Iterable[StoredRun]) -> list[list[Setting]]:
    grouped: dict[str, list[StoredRun]] = defaultdict(list)
    for run in runs:
        grouped[run.result.problem].append(run)
    ordered = sorted(
        grouped.values(), key=lambda members: (members[0].result.labels.problem, members[0].path)
    )
    return [group_settings(members) for members in ordered]


def _compare_problem(problem: _Candidates, question: Question) -> ProblemComparison:
    reference = problem.reference(question.reference)
    metric = recorded_metric(question.measured, problem.settings)
    target = question.target
    if target is None and reference is not None and len(problem.settings) > 1:
        target = default_target(reference.runs, metric)
    builder = RowBuilder(
        problem.labelled, problem.criterion, reference, metric, target, question, problem.choices
    )
    rows = builder.build()
    first = problem.settings[0].runs[0].result
    results = (run.result for setting in problem.settings for run in setting.runs)
    return ProblemComparison(
        key=first.problem,
        label=first.labels.problem,
        requested_dataset=next((r.requested_dataset for r in results if r.requested_dataset), None),
        metric=metric,
        criterion=problem.criterion,
        differing=tuple(differing(problem.settings)),
        telling=tuple(telling(problem.settings)),
        remarkable=tuple(remarkable(problem.settings)),
        reference=next((row for row in rows if row.is_reference), None),
        target=target,
        unit=question.time_unit,
        margin=question.margin,
        rows=rows,
    )


def recorded_metric(metric: Metric, settings: Sequence[Setting]) -> Metric:
    """The metric, or the loss of its split for a problem that has no accuracy."""
    finished = (run for setting in settings for run in setting.runs if run.finished)
    last = [run.rows[-1] for run in finished if run.rows]
    if metric.is_accuracy and all(row.get(metric.name) is None for row in last):
        loss = Metric(f"{metric.split}_loss")
        if any(row.get(loss.name) is not None for row in last):
            return loss
    return metric
