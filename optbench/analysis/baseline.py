"""The same settings before and after: what another version of code or torch changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from optbench.analysis.comparison import readable, recorded_metric
from optbench.analysis.history import History, histories
from optbench.analysis.verdict import Verdict, judge_pairs
from optbench.analysis.where import selected
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optbench.analysis.interval import Estimate
    from optbench.analysis.metric import Metric
    from optbench.analysis.question import Question
    from optbench.store.stored_run import Note, StoredRun

Outcome = Literal[
    "identical",  # the same bytes at every seed
    "better",
    "worse",  # by verdict, or as a seed that completed before diverged or failed now
    "equivalent",  # within the margin, if one was given
    "undecided",
    "missing",  # no run of the setting now
    "new",  # none before
]

# What a run's bits may depend on beside its configuration.
_ENVIRONMENT = (
    "optbench",
    "torch",
    "numpy",
    "python",
    "device",
    "threads",
    "cpu_capability",
    "processor",
)


@dataclass(frozen=True)
class Change:
    """One setting before and after.

    `seeds` finished in both; `same` of them left the same metrics.csv to the byte; `broken` ones
    completed before and diverged or failed now; `unfinished` ones finished before and are not at
    their end now. The estimates are of the metric, over the seeds that completed in both (of a
    setting that is missing or new, over its own). `verdict` is on now against before, None where
    nothing is to be judged.
    """

    key: str
    label: str
    outcome: Outcome
    seeds: tuple[int, ...]
    same: tuple[int, ...]
    broken: tuple[int, ...]
    unfinished: tuple[int, ...]
    before: Estimate | None
    after: Estimate | None
    verdict: Verdict | None
    runs: tuple[StoredRun, ...] = field(repr=False)  # now


@dataclass(frozen=True)
class ProblemChanges:
    """The settings of one problem, in stable order."""

    key: str
    label: str
    metric: Metric
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class EnvironmentChange:
    """Something of the environment that had other values before: `torch` 2.14.0, now 2.15.0."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class BaselineComparison:
    """Every setting before and after, what changed around them, and what could not be read."""

    margin: float | None
    where: tuple[str, ...]  # the conditions that left other runs out
    problems: tuple[ProblemChanges, ...]
    environment: tuple[EnvironmentChange, ...]
    notes: tuple[Note, ...]
    damaged_now: bool

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(change for problem in self.problems for change in problem.changes)

    @property
    def is_worse(self) -> bool:
        """Whether any setting is, or runs of now can't be read: what a gate in CI asks."""
        return self.damaged_now or any(change.outcome == "worse" for change in self.changes)


def compare_with_baseline(
    runs: Iterable[StoredRun], baseline: Iterable[StoredRun], question: Question
) -> BaselineComparison:
    """Compare runs with earlier ones of the same setting and seed.

    Of the question, `metric`, `where` and `margin` are asked. Holm's correction is for the settings
    of a problem that are not identical. Raises UsageError where no setting and seed finished in
    both.
    """
    old, new = _asked_for(tuple(baseline), tuple(runs), question.where)
    (before, notes), (after, more) = readable(old), readable(new)
    problems = histories(before, after)
    settings = [history for problem in problems for history in problem]
    if not any(history.seeds or history.broken for history in settings):
        raise UsageError(_nothing_in_common(before, after))
    return BaselineComparison(
        margin=question.margin,
        where=question.where,
        problems=tuple(_problem_changes(problem, question) for problem in problems),
        environment=tuple(_environment_changes(settings)),
        notes=notes + more,
        damaged_now=bool(more),
    )


def _asked_for(
    before: Sequence[StoredRun], after: Sequence[StoredRun], conditions: Sequence[str]
) -> tuple[list[StoredRun], list[StoredRun]]:
    """The runs of both sides that meet the conditions; one side alone may have a value."""
    chosen = {id(run) for run in selected([*before, *after], conditions)}
    old, new = ([run for run in side if id(run) in chosen] for side in (before, after))
    return old, new


def _problem_changes(settings: Sequence[History], question: Question) -> ProblemChanges:
    metric = recorded_metric(question.measured, [history.setting for history in settings])
    pairs = {history.setting.key: history.pair() for history in settings if history.is_to_judge}
    verdicts = judge_pairs(pairs, metric, margin=question.margin) if pairs else {}
    first = settings[0].setting.runs[0].result
    changes = (_change(history, metric, verdicts.get(history.setting.key)) for history in settings)
    return ProblemChanges(first.problem, first.labels.problem, metric, tuple(changes))


def _change(history: History, metric: Metric, verdict: Verdict | None) -> Change:
    before, after = history.estimates(metric)
    return Change(
        key=history.setting.key,
        label=history.label,
        outcome=_outcome(history, verdict),
        seeds=history.seeds,
        same=history.same,
        broken=history.broken,
        unfinished=history.unfinished,
        before=before,
        after=after,
        verdict=verdict,
        runs=tuple(history.after.values()),
    )


def _outcome(history: History, verdict: Verdict | None) -> Outcome:
    if not history.before or not history.after:
        return "new" if history.after else "missing"
    if history.broken:
        return "worse"
    if verdict is None:
        return "identical" if history.seeds else "undecided"
    if verdict.equivalent and verdict.decision != "better":
        return "equivalent"
    return verdict.decision or "undecided"


def _environment_changes(settings: Iterable[History]) -> Iterator[EnvironmentChange]:
    shared = [history for history in settings if history.before and history.after]
    then = [run for history in shared for run in history.before.values()]
    now = [run for history in shared for run in history.after.values()]
    for name in _ENVIRONMENT:
        before, after = _values(name, then), _values(name, now)
        if before != after:
            yield EnvironmentChange(name, before, after)
    for history in shared:
        before, after = _hashes(history.before.values()), _hashes(history.after.values())
        if before != after:
            yield EnvironmentChange(f"code of {history.setting.optimizer}", before, after)


def _values(name: str, runs: Iterable[StoredRun]) -> tuple[str, ...]:
    return tuple(sorted({str(run.result.environment.get(name, "unknown")) for run in runs}))


def _hashes(runs: Iterable[StoredRun]) -> tuple[str, ...]:
    """Beginnings of setting hashes: they hold the content of plug-in files."""
    return tuple(sorted({run.result.setting[:8] for run in runs}))


def _nothing_in_common(before: Sequence[StoredRun], after: Sequence[StoredRun]) -> str:
    problems = [{run.result.labels.problem for run in side} for side in (before, after)]
    then, now = (" and ".join(sorted(found)) or "nothing" for found in problems)
    told = "" if problems[0] & problems[1] else f" (before: {then}; now: {now})"
    return (
        f"--baseline: no setting and seed has finished both before and now{told}; train the same "
        "configurations before and after the change, with `optbench run CONFIG.yaml`"
    )
