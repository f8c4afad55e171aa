"""What stands below a comparison's table: what its marks mean and how its rows were chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.setting import mark
from optbench.report import words
from optbench.report.differences import MEDIAN, NOT_PAIRED, is_unpaired, shown_estimate
from optbench.report.verdicts import judged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.rows import SettingRow
    from optbench.analysis.verdict import Verdict


def marks(problem: ProblemComparison) -> Iterator[str]:
    """What the marks of a table with a row a setting mean, a paragraph each."""
    yield from _intervals(problem)
    yield from _marked(problem)


def footnotes(problem: ProblemComparison, comparison: Comparison) -> Iterator[str]:
    """How the rows were chosen and what they can't show, a paragraph each."""
    yield from _looks(problem)
    yield from _seconds(problem)
    yield from _selection(problem)
    yield from _alike(problem)
    yield from defaults(problem, comparison)
    yield from _divergence(problem)
    yield from _stand_in(problem, comparison)
    yield from left_out(comparison.where)


def left_out(conditions: Sequence[str]) -> Iterator[str]:
    """That the page shows some of the runs only: which, nobody should have to guess."""
    if conditions:
        yield f"Only runs with {words.listed(conditions)}."


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


def _intervals(problem: ProblemComparison) -> Iterator[str]:
    """What ± and [ ] are."""
    told = []
    if any(estimate.margin for row in problem.rows for estimate in row.estimates.values()):
        told.append("± 95% t interval of the mean over seeds")
    paired = [
        verdict
        for row in problem.rows
        if (verdict := judged(row))
        and verdict.test == "paired"
        and not verdict.ratio
        and _has_interval(row)
    ]
    if paired:
        unit = ", in points" if problem.metric.is_accuracy else ""
        told.append(
            f"[ ] {told_levels(paired)} interval of the paired difference{unit}{correction(paired)}"
        )
    if told:
        yield "; ".join(told) + "."


def _has_interval(row: SettingRow) -> bool:
    estimate = shown_estimate(row)
    return estimate is not None and estimate.low is not None


def told_levels(verdicts: list[Verdict]) -> str:
    """`96%`, or where Holm's correction made them differ `96% to 98.7%`."""
    levels = sorted({verdict.level for verdict in verdicts}, reverse=True)
    texts = list(dict.fromkeys(map(words.confidence, levels)))
    return texts[0] if len(texts) == 1 else f"{texts[0]} to {texts[-1]}"


def correction(verdicts: list[Verdict]) -> str:
    """What follows an interval whose level Holm's correction made; empty for one comparison."""
    several = max(verdict.m for verdict in verdicts)
    return f", corrected for {several} comparisons (Holm)" if several > 1 else ""


def _marked(problem: ProblemComparison) -> Iterator[str]:
    """What †, ‡ and × are."""
    unpaired = [row for row in problem.rows if is_unpaired(row)]
    verdicts = [verdict for row in problem.rows if (verdict := judged(row))]
    if unpaired:
        welch = [verdict for verdict in verdicts if verdict.test == "welch"]
        with_interval = welch and any(map(_has_interval, unpaired))
        interval = f" with Welch's {told_levels(welch)} interval" if with_interval else ""
        yield (
            f"{NOT_PAIRED} pairing was not possible, for no seed that both have starts alike: the "
            f"difference of two means{interval}."
        )
    signs = [verdict for verdict in verdicts if verdict.test == "sign"]
    if signs:
        yield (
            f"{MEDIAN} a seed diverged: the median difference of the pairs, of which a diverged "
            f"seed loses by ∞, with its {told_levels(signs)} interval; exact sign test."
        )
    ratios = [verdict for verdict in verdicts if verdict.ratio]
    if ratios:
        yield (
            f"× ratio of geometric means with its {told_levels(ratios)} interval: the losses of a "
            "setting differ tenfold from seed to seed, so they are compared as log loss."
        )


def _looks(problem: ProblemComparison) -> Iterator[str]:
    """What was decided at another level."""
    verdicts = [verdict for row in problem.rows if (verdict := judged(row)) and verdict.decision]
    if any(verdict.look == 2 for verdict in verdicts):
        yield "Seeds were added to those first declared: this second look decides at .01, not .04."


def _seconds(problem: ProblemComparison) -> Iterator[str]:
    """Why seconds are not compared where they were asked for."""
    if problem.unit == "seconds" and any(row.speedup is None for row in problem.contrasts):
        yield (
            "Seconds are of training alone, and compared only between recorded runs of one "
            "machine and one kind of cohort."
        )


def _selection(problem: ProblemComparison) -> Iterator[str]:
    if not any(row.selected_by for row in problem.rows):
        return
    why = "" if problem.criterion == "val_loss" else ", for no validation part was held out"
    leading = sum(row.leads for row in problem.rows)
    rows = "first row is" if leading == 1 else f"first {leading} rows are"
    measured = words.quantity(problem.criterion)
    yield f"The {rows} the best of each optimizer by final {measured}{why}."


def _alike(problem: ProblemComparison) -> Iterator[str]:
    """Why rows have a mark: nothing else that they show tells them apart."""
    if any(mark(row.label) for row in problem.rows):
        yield (
            "# settings of one name and the same values: of another file, or of code that was "
            "changed between them."
        )


def defaults(problem: ProblemComparison, comparison: Comparison) -> Iterator[str]:
    """Which reference and which target were taken where none was named."""
    target = default_target(problem, comparison)
    if problem.reference and len(problem.rows) > 1 and comparison.reference is None:
        yield f"By default --reference {problem.reference.name}{target}."
    elif target:
        yield target


def _divergence(problem: ProblemComparison) -> Iterator[str]:
    found = [
        f"{row.label} ({row.diverged} of {row.completed + row.diverged})"
        for row in problem.rows
        if row.diverged
    ]
    if not found:
        return
    partly = any(row.diverged and row.completed for row in problem.rows)
    rest = "; means are over the seeds that did not, and no verdict rests on them"
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
