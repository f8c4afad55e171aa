"""The words below a comparison's table: what its marks mean and what it shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optbench.report import numbers, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.rows import Difference, SettingRow
    from optbench.analysis.target import TimeToTarget

MOST_SENTENCES = 4  # more contrasts than these are left to the table


def footnotes(problem: ProblemComparison, comparison: Comparison) -> Iterator[str]:
    """What the table's marks mean and how its rows were chosen, a paragraph each."""
    yield from _marks(problem)
    yield from _selection(problem)
    yield from _target(problem, comparison)
    yield from _divergence(problem)
    yield from _stand_in(problem, comparison)


def closing(problem: ProblemComparison, comparison: Comparison) -> Iterator[str]:
    """What the runs show, in plain words; no verdict."""
    if problem.reference is None:
        yield f"No run of {comparison.reference!r} on this problem, so nothing to compare with."
    elif len(problem.rows) == 1:
        yield f"{problem.reference.label} is the only setting here; nothing to compare it with."
    elif not problem.reference.completed:
        yield f"The reference, {problem.reference.label}, has no completed seed: no differences."
    elif len(problem.contrasts) > MOST_SENTENCES:
        yield f"The last column says how far each setting is from {problem.reference.label}."
    else:
        for row in problem.contrasts:
            yield from _contrast(row, problem.reference, problem)
    yield from _no_verdict(problem)


def _marks(problem: ProblemComparison) -> Iterator[str]:
    differences = [row.difference for row in problem.rows if row.difference]
    marks = []
    if any(estimate.margin for row in problem.rows for estimate in row.estimates.values()):
        marks.append("± 95% t interval of the mean over seeds")
    if any(found.paired and found.estimate.margin is not None for found in differences):
        unit = ", in points" if problem.metric.is_accuracy else ""
        marks.append(f"[ ] 95% t interval of the paired difference{unit}")
    if marks:
        yield "; ".join(marks) + "."
    if not all(found.paired for found in differences):
        yield (
            "† not paired: initial weights or batch order differ, so this is the difference of "
            "two means with Welch's 95% interval."
        )


def _selection(problem: ProblemComparison) -> Iterator[str]:
    if not any(row.selected_by for row in problem.rows):
        return
    why = "" if problem.criterion == "val_loss" else ", for no validation part was held out"
    yield (
        f"The upper rows are the best of each optimizer by final "
        f"{words.quantity(problem.criterion)}{why}."
    )


def _target(problem: ProblemComparison, comparison: Comparison) -> Iterator[str]:
    if problem.target is None or comparison.target_given or problem.reference is None:
        return
    value = words.value(problem.metric, problem.target)
    owner = problem.reference.name
    told = (
        f"{owner}'s final {words.quantity(problem.metric.name)}"
        if problem.reference.completed == 1
        else f"the worst final {words.quantity(problem.metric.name)} among {owner}'s seeds"
    )
    yield f"{value} is {told}; --target sets another."


def _divergence(problem: ProblemComparison) -> Iterator[str]:
    found = [
        f"{row.label} ({row.diverged} of {row.completed + row.diverged})"
        for row in problem.rows
        if row.diverged
    ]
    if not found:
        return
    partly = any(row.diverged and row.completed for row in problem.rows)
    rest = "; means are over the seeds that did not, and are no ground for a verdict"
    yield f"Diverged: {', '.join(found)}{rest if partly else ''}."


def _stand_in(problem: ProblemComparison, comparison: Comparison) -> Iterator[str]:
    if problem.requested_dataset is not None:
        yield (
            f"These runs asked for {problem.requested_dataset}, for which another data set stood "
            f"in. They are never compared with runs on {problem.requested_dataset}."
        )
    if problem.metric != comparison.metric:
        asked, used = (words.quantity(found.name) for found in (comparison.metric, problem.metric))
        yield f"These runs record no {asked}; {used} stands in its place."


def _contrast(row: SettingRow, reference: SettingRow, problem: ProblemComparison) -> Iterator[str]:
    difference = row.difference
    if difference is None:
        yield f"{row.name} has no completed seed to compare with {reference.name}."
    elif len(difference.seeds) == 1 or len(difference.reference_seeds) == 1:
        yield _single(row, reference, difference, problem)
    else:
        yield _interval(row, reference, difference, problem)
    yield from _reaching(row, reference, problem)


def _single(
    row: SettingRow, reference: SettingRow, difference: Difference, problem: ProblemComparison
) -> str:
    mean, measured = difference.estimate.mean, words.quantity(problem.metric.name)
    if math.isnan(mean):
        return f"The {measured} of {row.name} or {reference.name} is not a finite number."
    if mean == 0:
        return f"{row.name}'s {measured} equals {reference.name}'s."
    side = "above" if mean > 0 else "below"
    far = words.distance(problem.metric, mean)
    return f"{row.name}'s {measured} is {far} {side} {reference.name}'s."


def _interval(
    row: SettingRow, reference: SettingRow, difference: Difference, problem: ProblemComparison
) -> str:
    metric, estimate = problem.metric, difference.estimate
    told = words.signed_distance(metric, estimate, unit=True)
    interval = words.bounds(metric, estimate)
    kind = (
        f"95% t interval of {estimate.n} paired differences"
        if difference.paired
        else "Welch's 95% interval, not paired"
    )
    survivors = ", survivors only" if difference.survivors_only else ""
    names = f"{row.name} against {reference.name}, {words.quantity(metric.name)}"
    return f"{names}: {told} {interval}, {kind}{survivors}."


def _reaching(row: SettingRow, reference: SettingRow, problem: ProblemComparison) -> Iterator[str]:
    if problem.target is None or row.to_target is None or reference.to_target is None:
        return
    target = words.value(problem.metric, problem.target)
    yield (
        f"{row.name} reached {target} {_when(row.to_target, row.total)}, "
        f"{reference.name} {_when(reference.to_target, reference.total)}."
    )


def _when(times: TimeToTarget, total: int) -> str:
    epochs = sorted(time.epoch for time in times.seeds if math.isfinite(time.epoch))
    if not epochs:
        within = f"within {numbers.compact(times.horizon_epochs)} epochs"
        return f"not {within}" if times.n == 1 else f"in none {within}"
    first, last = numbers.compact(epochs[0]), numbers.compact(epochs[-1])
    at = f"at epoch {first}" if first == last else f"at epochs {first}–{last}"
    if times.n == 1:
        return at
    every = "every seed" if times.n == total else f"all {times.n} finished seeds"
    share = every if times.reached == times.n else f"{times.reached} of {times.n} seeds"
    return f"in {share} {at}"


def _no_verdict(problem: ProblemComparison) -> Iterator[str]:
    if problem.reference is None or not problem.contrasts:
        return
    if all(row.total == 1 for row in problem.rows):
        yield "One seed each, so no verdict: --seeds 8 gives one."
