"""What is said about settings before and after."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from optbench.report import words
from optbench.report.differences import NOT_PAIRED, ratio_cell
from optbench.report.footnotes import correction, left_out, told_levels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from optbench.analysis.baseline import BaselineComparison, Change, ProblemChanges
    from optbench.analysis.metric import Metric
    from optbench.analysis.verdict import Verdict

MOST_NAMED = 6  # settings that a sentence lists


def in_brief(change: Change, problem: ProblemChanges) -> str:
    """`worse −0.5 [−0.6, −0.4]`: the outcome and what it rests on."""
    if change.broken:
        return f"worse: {_number(len(change.broken), 'seed')} {_fate(change)}"
    if change.verdict is None:
        unpaired = change.outcome == "undecided"
        return "undecided: no seed in common" if unpaired else change.outcome
    intervals = [found.verdict.interval for found in problem.changes if found.verdict]
    decimals = words.difference_decimals(problem.metric, intervals)
    return " ".join([change.outcome, *_difference(change.verdict, problem.metric, decimals)])


def notes(problem: ProblemChanges, margin: float | None) -> Iterator[str]:
    """What the table's marks mean, a paragraph each."""
    measured = [
        estimate for change in problem.changes for estimate in (change.before, change.after)
    ]
    marks = []
    if any(estimate and estimate.margin for estimate in measured):
        marks.append("± 95% t interval of the mean over seeds")
    judged = [change.verdict for change in problem.changes if change.verdict]
    bounded = [
        verdict for verdict in judged if verdict.interval.low is not None and not verdict.ratio
    ]
    if bounded:
        unit = ", in points" if problem.metric.is_accuracy else ""
        span = f"{told_levels(bounded)} interval of the difference, now − before"
        marks.append(f"[ ] {span}{unit}{correction(bounded)}")
    if marks:
        yield "; ".join(marks) + "."
    ratios = [verdict for verdict in judged if verdict.ratio]
    if ratios:
        yield f"× now through before, geometric means, with the {told_levels(ratios)} interval."
    if any(verdict.test == "welch" for verdict in judged):
        yield f"{NOT_PAIRED} not paired: initial weights or batch order are not those of before."
    if margin is not None:
        within = words.distance(problem.metric, margin)
        yield f"A loss within {within} counts as equivalent (--margin)."


def remarks(comparison: BaselineComparison) -> Iterator[str]:
    """The closing sentences: what changed, what is missing, and how many settings are worse."""
    changes = comparison.changes
    yield from _broken(changes)
    yield from _other_bits(changes)
    yield from _surroundings(comparison)
    yield from _waiting(changes)
    yield from left_out(comparison.where)
    yield from _listed("Without a run now", changes, "missing")
    yield from _listed("New, so without a before", changes, "new")
    counts = Counter(change.outcome for change in changes)
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    yield f"{_number(len(changes), 'setting')}: {told}."


def why_undecided(verdict: Verdict) -> str:
    """What stood in the way of a decision, in a few words."""
    return {
        "too few pairs": f"{verdict.n} pairs cannot decide, {verdict.fewest_next} can",
        "interim": f"{verdict.n} of {verdict.declared} seeds",
        "one seed": "one seed",
        "third look": "a third look",
        "no value": "no value to compare",
        "diverged": "seeds diverged, unpaired",
    }.get(verdict.why, "")


def _difference(verdict: Verdict, metric: Metric, decimals: int) -> Iterator[str]:
    if verdict.ratio is not None:
        yield ratio_cell(verdict.ratio, "").text
    elif verdict.n and verdict.why != "no value":
        yield words.signed_distance(metric, verdict.interval, decimals)
        yield from filter(None, [words.bounds(metric, verdict.interval, decimals)])
    if verdict.test == "welch":
        yield NOT_PAIRED
    if verdict.decision in (None, "undecided") and (why := why_undecided(verdict)):
        yield f"({why})"


def _broken(changes: Iterable[Change]) -> Iterator[str]:
    found = [
        f"{change.label} ({_seeds(change.broken)} {_fate(change)})"
        for change in changes
        if change.broken
    ]
    if found:
        yield f"Completed before, not now: {_some(found)}."


def _other_bits(changes: Iterable[Change]) -> Iterator[str]:
    """The same run with other numbers is news in itself: runs are deterministic."""
    found = [
        f"{change.label} ({differing} of {_number(len(change.seeds), 'seed')})"
        for change in changes
        if (differing := len(change.seeds) - len(change.same))
    ]
    if found:
        yield f"Other numbers than before, with equal settings and seeds: {_some(found)}."


def _surroundings(comparison: BaselineComparison) -> Iterator[str]:
    told = [
        f"{change.name} {'/'.join(change.before)} → {'/'.join(change.after)}"
        for change in comparison.environment
    ]
    if told:
        yield f"The environment changed: {', '.join(told)}."
    elif any(len(change.same) < len(change.seeds) for change in comparison.changes):
        yield (
            "Nothing that runs record of their environment changed: the code did, or training is "
            "not deterministic here."
        )


def _waiting(changes: Iterable[Change]) -> Iterator[str]:
    """Seeds that finished before but not now: they say nothing yet."""
    found = [
        f"{change.label} ({_seeds(change.unfinished)})" for change in changes if change.unfinished
    ]
    if found:
        yield f"Finished before, not now: {_some(found)}; `optbench run` goes on with them."


def _listed(title: str, changes: Iterable[Change], outcome: str) -> Iterator[str]:
    found = [change.label for change in changes if change.outcome == outcome]
    if found:
        yield f"{title}: {_some(found)}."


def _fate(change: Change) -> str:
    """`diverged`, `failed`, or both."""
    statuses = {run.status for run in change.runs if run.result.seed in change.broken}
    return " or ".join(sorted(statuses))


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {_some([str(seed) for seed in seeds])}"


def _some(found: Sequence[str]) -> str:
    more = f" and {len(found) - MOST_NAMED:,} more" if len(found) > MOST_NAMED else ""
    return ", ".join(found[:MOST_NAMED]) + more


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
