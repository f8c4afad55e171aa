"""The words that close a comparison: what its runs show, and what would settle the rest."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from optbench.report import words
from optbench.report.across import across_problems
from optbench.report.differences import single_basis
from optbench.report.learning_rates import learning_rates
from optbench.report.reaching import reaching
from optbench.report.search_results import search_sentences
from optbench.report.verdicts import judged, sentences, too_few, word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.rows import Difference, SettingRow
    from optbench.analysis.verdict import Verdict

MOST_SENTENCES = 4  # more contrasts than these are left to the table
SCOPE = (
    "Verdicts are about these settings and seeds on this test set, not about new data or all that "
    "an optimizer can do."
)


def closing(problem: ProblemComparison, comparison: Comparison) -> Iterator[str]:
    """What the runs of one problem show, in plain words."""
    if not problem.is_measured and any(row.completed for row in problem.rows):
        yield f"These runs record no {words.quantity(problem.metric.name)}."
    elif problem.reference is None:
        yield f"No run of {comparison.reference!r} on this problem, so nothing to compare with."
    elif len(problem.rows) == 1:
        yield f"{problem.reference.label} is the only setting here; nothing to compare it with."
    elif not problem.reference.completed and not _judged(problem):
        yield f"The reference, {problem.reference.label}, has no completed seed: no differences."
    elif not _are_few(problem.contrasts):
        yield _counts(problem, problem.reference)
    else:
        for row in problem.contrasts:
            yield from _contrast(row, problem.reference, problem)
    yield from learning_rates(problem)
    yield from _no_verdict(problem)
    yield from _too_few(problem)
    for found in comparison.searches:
        if found.problem == problem.key:
            yield from search_sentences(found, problem)


def last_words(comparison: Comparison) -> Iterator[str]:
    """What all problems say together, and what verdicts are about."""
    yield from across_problems(comparison)
    if told := scope(comparison):
        yield told


def scope(comparison: Comparison) -> str:
    """What verdicts are about, said once a page; empty where there are none."""
    decisions = (
        verdict.decision for problem in comparison.problems for verdict in _judged(problem)
    )
    return SCOPE if any(decisions) else ""


def mention_target(problem: ProblemComparison) -> bool:
    """Whether the closing sentences say when the target was reached."""
    reference = problem.reference
    return reference is not None and bool(reference.completed) and _are_few(problem.contrasts)


def _judged(problem: ProblemComparison) -> list[Verdict]:
    return [verdict for row in problem.rows if (verdict := judged(row))]


def _are_few(contrasts: Sequence[SettingRow]) -> bool:
    return 0 < len(contrasts) <= MOST_SENTENCES


def _counts(problem: ProblemComparison, reference: SettingRow) -> str:
    """`Against sgd lr=0.1: 2 better, 1 worse, 3 undecided.`"""
    counts = Counter(map(word, _judged(problem)))
    if not counts:
        return f"The last column says how far each setting is from {reference.label}."
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"Against {reference.label}: {told}."


def _contrast(row: SettingRow, reference: SettingRow, problem: ProblemComparison) -> Iterator[str]:
    verdict, difference = judged(row), row.difference
    if verdict is not None:
        told = sentences(
            *(row.name, reference.name, verdict, problem.metric, problem.margin),
            counts_pairs=not _all_short_of_pairs(problem),
        )
        yield " ".join(told)
    elif difference is None:
        missing = "completed seed" if not row.completed else words.quantity(problem.metric.name)
        yield f"{row.name} has no {missing} to compare with {reference.name}."
    else:
        yield _single(row, reference, difference, problem)
    yield from reaching(row, reference, problem)


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


def _no_verdict(problem: ProblemComparison) -> Iterator[str]:
    if problem.reference is None or not problem.contrasts:
        return
    if problem.one_seed_each:
        yield "One seed each, so no verdict."


def _all_short_of_pairs(problem: ProblemComparison) -> list[Verdict]:
    """The verdicts on several settings, where none of them has enough seeds; else nothing."""
    found = _judged(problem)
    are_short = len(found) > 1 and all(verdict.why == "too few pairs" for verdict in found)
    return found if are_short else []


def _too_few(problem: ProblemComparison) -> Iterator[str]:
    """That no seeds can decide, once for all settings; a single one's own sentence says so."""
    if found := _all_short_of_pairs(problem):
        numbers = sorted({verdict.n for verdict in found})
        counted = " to ".join(map(str, dict.fromkeys([numbers[0], numbers[-1]])))
        needed, look = (max(v.fewest_next for v in found), max(v.look for v in found))
        yield f"{too_few(f'{counted} seeds', needed, look)}."
