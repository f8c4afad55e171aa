"""Claims that a metric is at least or at most a number, and claims about divergence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.claims.judgement import BoundGrounds, BytesGrounds, DivergenceGrounds
from optbench.analysis.interval import t_interval
from optbench.analysis.looks import look_at
from optbench.analysis.metric import find_metric
from optbench.analysis.statistics.wilson import wilson
from optbench.analysis.target import final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.analysis.interval import Estimate
    from optbench.analysis.setting import Setting
    from optbench.config import claims


def final_value(claim: claims.Claim, ours: Setting) -> tuple[claims.Verdict, BoundGrounds]:
    """Whether the whole interval of the mean over seeds lies on the bound's right side.

    At the level of a verdict: 96%, or 99% after an extension. Undecided where a seed is missing,
    and where one diverged, as the others' mean is of survivors.
    """
    metric = find_metric(claim.metric)
    values = [final(run, metric.name) for run in ours.completed]
    known = [value for value in values if value is not None]
    look = look_at(len(ours.completed) + len(ours.diverged), ours.runs)
    estimate = t_interval(known, 1 - look.alpha) if known else None
    missing = missing_seeds([ours])
    grounds = BoundGrounds(
        metric, estimate, look.alpha, len(ours.diverged), missing, spent=not look.is_allowed
    )
    if estimate is None or ours.diverged or missing or not look.is_allowed:
        return "undecided", grounds
    return within(claim, estimate.low, estimate.high), grounds


def within(claim: claims.Claim, low: float | None, high: float | None) -> claims.Verdict:
    """Whether an interval lies on the right side of the claim's bound, or on the wrong one."""
    if low is None or high is None or claim.bound is None:
        return "undecided"
    if claim.statement == "at_most":
        low, high, bound = -high, -low, -claim.bound
    else:
        bound = claim.bound
    if low >= bound:
        return "supported"
    return "refuted" if high < bound else "undecided"


def not_worse(better_by: Estimate, margin: float) -> claims.Verdict:
    """Whether the whole interval of how much better it is lies above −margin, or below it."""
    low, high = better_by.low, better_by.high
    if low is None or high is None:
        return "undecided"
    if low > -margin:
        return "supported"
    return "refuted" if high < -margin else "undecided"


def lies_beyond(difference: Estimate, margin: float) -> bool:
    """Whether the whole interval of a difference lies outside ±margin, on one side."""
    low, high = difference.low, difference.high
    return low is not None and high is not None and (low > margin or high < -margin)


def divergence(
    claim: claims.Claim, ours: Iterable[Setting]
) -> tuple[claims.Verdict, DivergenceGrounds]:
    """Whether every seed diverges, or none does: a fact about these runs, refuted by any other."""
    settings = list(ours)
    diverged = sum(len(setting.diverged) for setting in settings)
    completed = sum(len(setting.completed) for setting in settings)
    finished, missing = diverged + completed, missing_seeds(settings)
    grounds = DivergenceGrounds(wilson(diverged, finished) if finished else None, missing)
    if completed if claim.diverges else diverged:
        return "refuted", grounds
    return "undecided" if missing or not finished else "supported", grounds


def state_bytes(
    claim: claims.Claim, ours: Iterable[Setting], theirs: Iterable[Setting]
) -> tuple[claims.Verdict, BytesGrounds]:
    """Fewer bytes are better. They are the same at every seed, so that one tells."""
    mine, other = _bytes(ours), _bytes(theirs)
    grounds = BytesGrounds(max(mine, default=None), max(other, default=None))
    if not mine or (claim.bound is None and not other):
        return "undecided", grounds
    if claim.bound is not None:
        holds = within(claim, min(mine), max(mine)) == "supported"
    else:
        pairs = ((a, b) for a in mine for b in other)
        holds = all(_keeps(claim, a - b) for a, b in pairs)
    return "supported" if holds else "refuted", grounds


def _keeps(claim: claims.Claim, more: float) -> bool:
    """Whether so many bytes more than the other's are what is claimed."""
    if claim.statement == "equivalent_to":
        return abs(more) <= (claim.margin or 0.0)
    if claim.statement == "not_worse_than":
        return more <= (claim.margin or 0.0)
    return more < 0 if claim.statement == "better_than" else more > 0


def missing_seeds(settings: Iterable[Setting]) -> int:
    """Declared seeds that have not come to an end."""
    missing = 0
    for setting in settings:
        declared = max(run.declared for run in setting.runs)
        missing += max(declared - len(setting.completed) - len(setting.diverged), 0)
    return missing


def _bytes(settings: Iterable[Setting]) -> set[float]:
    """What the completed runs of the settings recorded."""
    runs = (run for setting in settings for run in setting.completed)
    told = (run.result.state_bytes_per_parameter for run in runs)
    return {value for value in told if value is not None}
