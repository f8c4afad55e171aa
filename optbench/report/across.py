"""The sentences about several problems together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.across import are_several
from optbench.analysis.pictures.profile import profile
from optbench.errors import UsageError
from optbench.report import numbers, words
from optbench.report.reaching import part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.analysis.across import Overall
    from optbench.analysis.comparison import Comparison


def across_problems(comparison: Comparison) -> Iterator[str]:
    """By what factor each was sooner, scores and accuracies over all problems; nothing for one."""
    if not are_several(comparison.problems):
        return
    yield from _speedups(comparison)
    yield from _scores(comparison)
    if told := comparison.overall_accuracies:
        measured = words.quantity(comparison.metric.name)
        over = f"Interquartile mean of the {measured} over {len(comparison.problems)} problems"
        yield f"{over}: {', '.join(map(_accuracy, told))}."


def _speedups(comparison: Comparison) -> Iterator[str]:
    reference = comparison.problems[0].reference
    for name, mean in comparison.mean_speedups.items():
        if reference is not None:
            share = part(mean, reference.name, comparison.problems[0].unit)
            over = f"geometric mean over {len(comparison.problems)} problems"
            yield f"{name} reached the targets in {share} ({over})."


def _scores(comparison: Comparison) -> Iterator[str]:
    """AlgoPerf's score of the time to target, where the problems have one in common."""
    try:
        found = profile(comparison)
    except UsageError:  # nobody takes part in two problems, or nobody reached a target
        return
    told = (f"{one.series.label} {words.probability(one.score)}" for one in found.contestants)
    yield (
        f"Score of the time to target over {len(found.problems)} problems, 1 for always the "
        f"soonest, 0 for {found.limit:g} times as long or never: {', '.join(told)}; it depends on "
        "who takes part."
    )


def _accuracy(one: Overall) -> str:
    """`adam 93.1% (92.8% to 93.4%; 6.9 points short of 100% on average)`."""
    low, high = one.accuracy.low, one.accuracy.high
    span = ""
    if low is not None and high is not None:
        span = f"{numbers.percent(low)} to {numbers.percent(high)}; "
    gap = f"{100 * one.gap:.1f} points short of 100% on average"
    return f"{one.name} {numbers.percent(one.accuracy.mean)} ({span}{gap})"
