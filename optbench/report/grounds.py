"""The numbers behind a judged claim, in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optbench.analysis.claims.judgement import (
    BoundGrounds,
    BytesGrounds,
    DecadesGrounds,
    DivergenceGrounds,
    PairGrounds,
    SpeedGrounds,
)
from optbench.analysis.metric import find_metric
from optbench.catalog.selectors import TUNED
from optbench.config.spec import display_name, format_value
from optbench.report import verdicts, words
from optbench.report.numbers import compact, plain
from optbench.report.reaching import goal, sooner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.analysis.claims.judgement import Grounds, Judgement
    from optbench.analysis.interval import Estimate
    from optbench.analysis.statistics.wilson import Share
    from optbench.analysis.verdict import Verdict
    from optbench.config.claims import Claim
    from optbench.config.node import Scalar

_FINISH = "run them again with `optbench run`"
_SPENT = "Seeds were added more than once: a new experiment with fresh seeds gives a verdict."


def sentences(judgement: Judgement) -> Iterator[str]:
    """What was found, why it is undecided where it is, and what the runs were trained on."""
    claim = judgement.claim
    yield from _told(judgement.grounds, who(claim.setting), who(claim.other))
    if judgement.chosen:
        measured = words.quantity(judgement.chosen_by)
        yield f"Best by {measured}: {words.listed(judgement.chosen)}."
    if judgement.stand_in is not None:
        yield f"Judged on a data set that stood in for {judgement.stand_in}."


def statement(claim: Claim) -> str:
    """The claim in words: its own, or made from its keys."""
    return claim.text or _statement(claim)


def who(selector: Sequence[tuple[str, Scalar]]) -> str:
    """`sgd lr=0.1` or `tuned sgd` for the settings that a selector chooses."""
    told = dict(selector)
    optimizer, tuned = told.pop("optimizer", None), told.pop(TUNED, None)
    names = [] if optimizer is None else [display_name(str(optimizer))]
    if tuned is not None:
        names = ["tuned" if tuned else "default", *(names or ["setting"])]
    return " ".join([*names, *(f"{key}={format_value(value)}" for key, value in told.items())])


def _statement(claim: Claim) -> str:
    ours, theirs = who(claim.setting), who(claim.other)
    measured = _measured(claim)
    match claim.statement:
        case "diverges":
            return f"{ours} {'diverges' if claim.diverges else 'does not diverge'}"
        case "faster_than":
            aim = goal(find_metric(claim.metric), claim.target or 0.0)
            share = "fewer" if claim.ratio == 1 else f"1/{compact(claim.ratio)} of its"
            return f"{ours} reaches {aim} before {theirs}, in {share} steps"
        case "at_least" | "at_most":
            return f"{ours}: {measured} {claim.statement.replace('_', ' ')} {_bare(claim.bound)}"
        case "equivalent_to":
            return f"{ours}: {measured} equivalent to {theirs} within {_bare(claim.margin)}"
        case "not_worse_than":
            return f"{ours}: {measured} not worse than {theirs} by more than {_bare(claim.margin)}"
    return f"{ours}: {measured} {claim.statement.replace('_', ' ')} {theirs}"


def _measured(claim: Claim) -> str:
    special = {"state_bytes": "bytes of state a parameter", "lr_decades": "decades of lr"}
    return special.get(claim.metric) or words.quantity(claim.metric)


def _bare(number: float | None) -> str:
    return "" if number is None else format_value(number)


def _told(grounds: Grounds, ours: str, theirs: str) -> Iterator[str]:
    match grounds:
        case PairGrounds():
            yield from _pair(grounds, ours, theirs)
        case SpeedGrounds():
            yield from _speed(grounds, ours, theirs)
        case BoundGrounds():
            yield from _bound(grounds, ours)
        case DivergenceGrounds():
            yield from _divergence(grounds, ours)
        case BytesGrounds():
            yield from _bytes(grounds, ours, theirs)
        case DecadesGrounds():
            yield from _decades(grounds, ours, theirs)


def _pair(grounds: PairGrounds, ours: str, theirs: str) -> Iterator[str]:
    verdict = grounds.verdict
    if verdict.why in verdicts.SILENT:
        yield _nothing(verdict.why)
        return
    margin = None if grounds.at_most_worse else grounds.margin
    yield from verdicts.sentences(ours, theirs, verdict, grounds.metric, margin)
    if grounds.at_most_worse and verdict.decision:
        level = words.confidence(verdict.level)
        most = words.distance(grounds.metric, grounds.margin or 0.0)
        where = {
            "supported": f"No more than {most} worse: the {level} interval says so.",
            "refuted": f"More than {most} worse: the {level} interval says so.",
            "undecided": f"Whether it is more than {most} worse is not shown.",
        }
        yield where[grounds.at_most_worse]


def _nothing(why: str) -> str:
    if why == "one seed":
        return "One seed shows nothing about others; 6 can decide."
    return "No finished run of both has the metric."


def _speed(grounds: SpeedGrounds, ours: str, theirs: str) -> Iterator[str]:
    found, measured = grounds.speedup, goal(grounds.metric, grounds.target)
    if found is None:
        yield f"No seed of {ours} or {theirs} reached {measured}, or they can't be paired."
        return
    if 0 < found.ratio < math.inf:
        yield sooner(ours, theirs, measured, found)
    else:
        counts = (f"{name} in {_seeds(s)}" for name, s in ((ours, found.a), (theirs, found.b)))
        yield f"{measured} was reached by {words.listed(list(counts))} seeds."
    if grounds.verdict.decision is None and grounds.verdict.why != "one seed":
        done = f"{grounds.verdict.n} of {grounds.verdict.declared} pairs"
        spent = grounds.verdict.why == "third look"
        yield _SPENT if spent else f"Interim: {done} are finished, so no verdict yet."
    elif found.low is None:
        yield _too_few(found.n, grounds.verdict)


def _bound(grounds: BoundGrounds, ours: str) -> Iterator[str]:
    measured = words.quantity(grounds.metric.name)
    if grounds.estimate is None:
        yield f"No completed run of {ours} has a {measured}."
    else:
        seeds = f"mean of {grounds.estimate.n} seeds" if grounds.estimate.n > 1 else "one seed"
        value = words.value(grounds.metric, grounds.estimate.mean)
        yield f"{ours}'s {measured} is {value}{_interval(grounds)}, {seeds}."
        if grounds.estimate.n == 1:
            yield "One seed has no interval; two have."
    if grounds.diverged:
        count = f"{grounds.diverged} {'seed' if grounds.diverged == 1 else 'seeds'}"
        yield f"{count} diverged; no verdict rests on the others' mean."
    yield from _missing(grounds.missing, spent=grounds.spent)


def _interval(grounds: BoundGrounds) -> str:
    """Of an accuracy within 0 and 1, whatever Student's t says."""
    estimate, metric = grounds.estimate, grounds.metric
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    ends = [estimate.low, estimate.high]
    if metric.is_accuracy:
        ends = [min(max(end, 0.0), 1.0) for end in ends]
    low, high = (words.value(metric, end) for end in ends)
    return f" ({words.confidence(grounds.level)} {low} to {high})"


def _too_few(n: int, found: Verdict | DecadesGrounds) -> str:
    """One seed shows nothing, so it is no look, and more of them are no extension."""
    if n == 1:
        return f"1 pair cannot reach a verdict, {found.fewest} can."
    return f"{verdicts.too_few(_pairs(n), found.fewest_next, found.look)}."


def _pairs(n: int) -> str:
    return "1 pair" if n == 1 else f"{n} pairs"


def _missing(seeds: int, *, spent: bool = False) -> Iterator[str]:
    if spent:
        yield _SPENT
    if seeds:
        yield f"{seeds} declared {'seed has' if seeds == 1 else 'seeds have'} not ended: {_FINISH}."


def _divergence(grounds: DivergenceGrounds, ours: str) -> Iterator[str]:
    share = grounds.diverged
    if share is None:
        yield f"No run of {ours} has finished."
    else:
        low, high = words.probability(share.low or 0.0), words.probability(share.high or 1.0)
        yield f"{ours} diverged in {_seeds(share)} runs; P(diverges) {low} to {high}."
    yield from _missing(grounds.missing)


def _seeds(share: Share) -> str:
    return f"{share.share * share.n:.0f} of {share.n}"


def _bytes(grounds: BytesGrounds, ours: str, theirs: str) -> Iterator[str]:
    told = [
        f"{name}'s optimizer keeps {compact(value)} bytes a parameter"
        for name, value in ((ours, grounds.ours), (theirs, grounds.theirs))
        if name and value is not None
    ]
    yield f"{', '.join(told)}." if told else "No run has completed, so nobody counted."


def _decades(grounds: DecadesGrounds, ours: str, theirs: str) -> Iterator[str]:
    told = [
        f"{name} {'≥ ' if open_end else ''}{_estimate(found, grounds.level)}"
        for name, found, open_end in (
            (ours, grounds.ours, grounds.ours_at_least),
            (theirs, grounds.theirs, grounds.theirs_at_least),
        )
        if name and found is not None
    ]
    if not told:
        yield "Fewer than two learning rates have finished runs at one seed."
        yield from _missing(grounds.missing, spent=grounds.spent)
        return
    near = f"within {format_value(grounds.within)} of the best loss"
    yield f"Decades of lr {near}: {', '.join(told)}."
    if grounds.difference is not None and grounds.p is not None:
        apart = _estimate(grounds.difference, grounds.level)
        n = grounds.difference.n
        yield f"Difference {apart}, {_pairs(n)}, {words.p_value(grounds.p)}."
        if n < grounds.fewest:
            yield _too_few(n, grounds)
    if grounds.ours_at_least or grounds.theirs_at_least:
        yield "≥: a range ends at its grid's edge; a wider grid would tell."
    yield from _missing(grounds.missing, spent=grounds.spent)


def _estimate(found: Estimate, level: float) -> str:
    if found.low is None or found.high is None or not math.isfinite(found.mean):
        return plain(found.mean, 2)
    low, high = plain(found.low, 2), plain(found.high, 2)
    return f"{plain(found.mean, 2)} ({words.confidence(level)} {low} to {high})"
