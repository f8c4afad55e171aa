"""Verdicts in words: what was decided, how sure that is, and what would decide the rest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optbench.report import numbers, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.analysis.interval import Estimate
    from optbench.analysis.metric import Metric
    from optbench.analysis.rows import SettingRow
    from optbench.analysis.verdict import Verdict

SILENT = ("one seed", "no value")  # there is nothing to say about a verdict


def judged(row: SettingRow) -> Verdict | None:
    """The row's verdict if there is anything to say about it."""
    verdict = row.verdict
    return None if verdict is None or verdict.why in SILENT else verdict


def word(verdict: Verdict) -> str:
    """What stands in the column: better, worse, undecided, equivalent, interim, third look."""
    if verdict.decision is None:
        return verdict.why
    if not verdict.equivalent:
        return verdict.decision
    return "equivalent" if verdict.decision == "undecided" else f"{verdict.decision}, equivalent"


def sentences(
    name: str,
    other: str,
    verdict: Verdict,
    metric: Metric,
    margin: float | None = None,
    *,
    counts_pairs: bool = True,
) -> Iterator[str]:
    """The verdict on a setting, then what would decide it, then whether it is equivalent.

    Without `counts_pairs` it is left to somebody else to say that there are too few of them.
    """
    about = f"{name} against {other}, {words.quantity(metric.name)}"
    if verdict.why == "decided":
        measured = f"{name}'s {words.quantity(metric.name)}"
        loser = other if verdict.decision == "better" else name
        proof = _proof(verdict, metric, loser)
        yield f"{measured} is {verdict.decision} than {other}'s: {proof}."
    elif verdict.why == "interim":
        kind = "seeds" if verdict.test == "welch" else "pairs"
        done = f"{verdict.n} of {verdict.declared} {kind} are finished"
        yield f"{about}: interim, {done}, so no verdict yet."
    elif verdict.why == "third look":
        yield (
            f"{about}: no verdict, for its seeds were added to more than once. A new experiment "
            "with fresh seeds gives one."
        )
    elif verdict.why == "diverged":
        yield f"{about}: undecided, for seeds diverged and no two of them could be paired."
    else:
        yield from _undecided(about, verdict, metric, counts_pairs=counts_pairs)
    if verdict.decision and margin is not None:
        yield _equivalence(verdict, metric, margin)


def _undecided(
    about: str, verdict: Verdict, metric: Metric, *, counts_pairs: bool
) -> Iterator[str]:
    found = f"{about}: undecided, {_amount(verdict, metric)}{_span(verdict, metric, '(', ')')}"
    kind = "seeds of each" if verdict.test == "welch" else "pairs"
    if verdict.why == "too few pairs":
        few = too_few(f"{verdict.n} {kind}", verdict.fewest_next, verdict.look)
        yield f"{found}; {few}." if counts_pairs else f"{found}."
    else:
        yield f"{found}{_flips(verdict)}."
    if verdict.shown:  # without any variance nothing can be said
        yield f"These {verdict.n} seeds could have shown {_shown(verdict, metric)}."
    if verdict.seeds_far is not None:
        yield _prospects(verdict, verdict.seeds_far)


def too_few(counted: str, fewest_next: int, look: int) -> str:
    """`5 pairs cannot reach a verdict; the one extension can, to 8 or more`: what is open still."""
    open_still = (
        f"the one extension can, to {fewest_next} or more"
        if look == 1
        else f"{fewest_next} fresh ones can"
    )
    return f"{counted} cannot reach a verdict; {open_still}"


def _flips(verdict: Verdict) -> str:
    """Why it is undecided though the interval excludes 0: the other test of the two is stricter."""
    low, high = verdict.interval.low, verdict.interval.high
    if verdict.p is None or low is None or high is None or low <= 0 <= high:
        return ""
    needed = words.probability(verdict.level, 3)
    found = words.p_value(verdict.p)
    return f"; the interval excludes 0, but by permutation {found}, where {needed} is needed"


def _prospects(verdict: Verdict, seeds_far: int) -> str:
    """How many seeds would decide, as the one extension or as a new experiment."""
    seen = "" if verdict.seeds_seen is None else f", {verdict.seeds_seen:,} the difference seen"
    needed = f"{seeds_far:,} seeds would show the interval's far end{seen}"
    if verdict.look > 1:
        return f"A new experiment with fresh seeds is needed: {needed}."
    if verdict.why == "too few pairs":  # which said that an extension is allowed
        return f"{needed}."
    return f"One extension is allowed: {needed}."


def _proof(verdict: Verdict, metric: Metric, loser: str) -> str:
    """`+6.0 points (5.9 to 6.2, p = .008; better in 8 of 8 seeds, P(better) .68 to 1)`."""
    amount, span = _amount(verdict, metric), _span(verdict, metric)
    if math.isinf(verdict.interval.mean):
        amount, span = f"{loser} diverged in most pairs", ""
    p = "" if verdict.p is None else words.p_value(verdict.p)
    unpaired = "not paired" if verdict.test == "welch" else ""
    facts = ", ".join(filter(None, [span, p, unpaired]))
    return f"{amount} ({facts}{_chance(verdict)})"


def _chance(verdict: Verdict) -> str:
    """P(A better) and what it is taken from."""
    share = verdict.share
    if share is None:
        return ""
    if share.low is None or share.high is None:
        return f"; P(better) {words.probability(share.share)}"
    low, high = words.probability(share.low), words.probability(share.high)
    wins = f"{share.share * share.n:g} of {share.n} seeds"
    return f"; better in {wins}, P(better) {low} to {high}"


def _amount(verdict: Verdict, metric: Metric) -> str:
    """`+6.0 points`, `median −0.4` or `0.12 times`."""
    if verdict.ratio is not None:
        return f"{numbers.ratio(verdict.ratio.mean)} times"
    estimate = verdict.interval
    told = words.signed_distance(metric, estimate, words.difference_decimals(metric, [estimate]))
    unit = " points" if metric.is_accuracy else ""
    return f"{'median ' if verdict.test == 'sign' else ''}{told}{unit}"


def _span(verdict: Verdict, metric: Metric, before: str = "", after: str = "") -> str:
    """`5.9 to 6.2` between these, the first after a space; empty without an interval."""
    if verdict.ratio is not None:
        text = _ratio_span(verdict.ratio)
    else:
        text = words.span(metric, verdict.interval)
    return f"{before and ' '}{before}{text}{after}" if text else ""


def _ratio_span(ratio: Estimate) -> str:
    if ratio.low is None or ratio.high is None:
        return ""
    return f"{numbers.ratio(ratio.low)} to {numbers.ratio(ratio.high)}"


def _shown(verdict: Verdict, metric: Metric) -> str:
    shown = verdict.shown or 0.0
    if verdict.ratio is not None:
        return f"a factor of {numbers.ratio(shown)}"
    return words.distance(metric, shown)


def _equivalence(verdict: Verdict, metric: Metric, margin: float) -> str:
    within = words.distance(metric, margin)
    if verdict.equivalent:
        return f"The two are equivalent within {within}: their 90% interval lies inside."
    return f"That they are equivalent within {within} is not shown."
