"""The words below a comparison's table: what its marks mean and what it shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optbench.report import numbers, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.rows import Difference, SettingRow
    from optbench.analysis.target import TimeToTarget

MOST_SENTENCES = 4  # more contrasts than these are left to the table


def footnotes(problem: ProblemComparison, comparison: Comparison) -> Iterator[str]:
    """What the table's marks mean and how its rows were chosen, a paragraph each."""
    yield from _marks(problem)
    yield from _selection(problem)
    yield from _defaults(problem, comparison)
    yield from _divergence(problem)
    yield from _stand_in(problem, comparison)


def closing(problem: ProblemComparison, comparison: Comparison) -> Iterator[str]:
    """What the runs show, in plain words; no verdict."""
    if not problem.is_measured and any(row.completed for row in problem.rows):
        yield f"These runs record no {words.quantity(problem.metric.name)}."
    elif problem.reference is None:
        yield f"No run of {comparison.reference!r} on this problem, so nothing to compare with."
    elif len(problem.rows) == 1:
        yield f"{problem.reference.label} is the only setting here; nothing to compare it with."
    elif not problem.reference.completed:
        yield f"The reference, {problem.reference.label}, has no completed seed: no differences."
    elif not _are_few(problem.contrasts):
        yield f"The last column says how far each setting is from {problem.reference.label}."
    else:
        for row in problem.contrasts:
            yield from _contrast(row, problem.reference, problem)
    yield from _no_verdict(problem)


def mention_target(problem: ProblemComparison) -> bool:
    """Whether the closing sentences say when the target was reached."""
    reference = problem.reference
    return reference is not None and bool(reference.completed) and _are_few(problem.contrasts)


def _are_few(contrasts: Sequence[SettingRow]) -> bool:
    return 0 < len(contrasts) <= MOST_SENTENCES


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
    unpaired = [found for found in differences if not found.paired]
    if unpaired:
        with_interval = any(found.estimate.margin is not None for found in unpaired)
        welch = " with Welch's 95% interval" if with_interval else ""
        yield (
            "† not paired: initial weights or batch order differ, so this is the difference of "
            f"two means{welch}."
        )


def _selection(problem: ProblemComparison) -> Iterator[str]:
    if not any(row.selected_by for row in problem.rows):
        return
    why = "" if problem.criterion == "val_loss" else ", for no validation part was held out"
    leading = sum(row.leads for row in problem.rows)
    rows = "first row is" if leading == 1 else f"first {leading} rows are"
    measured = words.quantity(problem.criterion)
    yield f"The {rows} the best of each optimizer by final {measured}{why}."


def _defaults(problem: ProblemComparison, comparison: Comparison) -> Iterator[str]:
    """Which reference and which target were taken where none was named."""
    target = default_target(problem, comparison)
    if problem.reference and len(problem.rows) > 1 and comparison.reference is None:
        yield f"By default --reference {problem.reference.name}{target}."
    elif target:
        yield target


def default_target(problem: ProblemComparison, comparison: Comparison) -> str:
    """What `footnotes` say about the target; empty if it was given or there is none.

    It goes on where the sentence about the reference ends, if there is one.
    """
    if problem.target is None or comparison.target_given or problem.reference is None:
        return ""
    worst = "worst " if problem.reference.completed > 1 else ""
    told = f"{worst}final {words.quantity(problem.metric.name)}"
    value = words.bare_value(problem.metric, problem.target)
    if comparison.reference is None:
        return f"; --target {value}, its {told}"
    return f"By default --target {value}, {problem.reference.name}'s {told}."


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
        missing = "completed seed" if not row.completed else words.quantity(problem.metric.name)
        yield f"{row.name} has no {missing} to compare with {reference.name}."
    elif difference.is_single:
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
    basis = "" if problem.one_seed_each else f": {single_basis(difference)}, no verdict"
    return f"{row.name}'s {measured} is {far} {side} {reference.name}'s{basis}."


def single_basis(difference: Difference) -> str:
    """What a difference without an interval rests on."""
    return "one pair" if difference.paired else "one seed"


def _interval(
    row: SettingRow, reference: SettingRow, difference: Difference, problem: ProblemComparison
) -> str:
    metric, estimate = problem.metric, difference.estimate
    decimals = words.difference_decimals(metric, [estimate])
    told = words.signed_distance(metric, estimate, decimals)
    unit = " points" if metric.is_accuracy else ""
    interval = words.bounds(metric, estimate, decimals)
    kind = (
        f"95% t interval of {estimate.n} paired differences"
        if difference.paired
        else "Welch's 95% interval, not paired"
    )
    survivors = ", survivors only" if difference.survivors_only else ""
    names = f"{row.name} against {reference.name}, {words.quantity(metric.name)}"
    return f"{names}: {told}{unit} {interval}, {kind}{survivors}."


def _reaching(row: SettingRow, reference: SettingRow, problem: ProblemComparison) -> Iterator[str]:
    if problem.target is None or row.to_target is None or reference.to_target is None:
        return
    target = words.value(problem.metric, problem.target)
    ours, theirs = _when(row.to_target, row.total), _when(reference.to_target, reference.total)
    if row.to_target.reached:
        yield f"{row.name} reached {target} {ours}, {reference.name} {theirs}."
    elif reference.to_target.reached:
        seed = "" if row.to_target.n == 1 else " in any seed"
        within = _within(row.to_target)
        yield f"{row.name} did not reach {target}{seed} {within}; {reference.name} did, {theirs}."
    else:
        within = _within(row.to_target, reference.to_target)
        yield f"Neither {row.name} nor {reference.name} reached {target} {within}."


def _within(*times: TimeToTarget) -> str:
    horizons = dict.fromkeys(numbers.compact(found.horizon_epochs) for found in times)
    return f"within {' and '.join(horizons)} epoch{'' if [*horizons] == ['1'] else 's'}"


def _when(times: TimeToTarget, total: int) -> str:
    epochs = sorted(time.epoch for time in times.seeds if math.isfinite(time.epoch))
    if not epochs:
        return f"{'not' if times.n == 1 else 'in none'} {_within(times)}"
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
    if problem.one_seed_each:
        yield "One seed each, so no verdict: `optbench run … --seeds 8` gives one."
