"""Claims that one setting is better or worse than another, as good, or sooner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.claims.bound import lies_beyond, not_worse
from optbench.analysis.claims.judgement import PairGrounds, SpeedGrounds
from optbench.analysis.interval import Estimate
from optbench.analysis.metric import find_metric
from optbench.analysis.speedup import speedup
from optbench.analysis.verdict import judge_pair

if TYPE_CHECKING:
    from optbench.analysis.metric import Metric
    from optbench.analysis.setting import Setting
    from optbench.analysis.verdict import Verdict
    from optbench.config import claims


def difference(
    claim: claims.Claim, ours: Setting, theirs: Setting
) -> tuple[claims.Verdict, PairGrounds]:
    """Better, worse, equivalent or not worse, by the verdict that `compare` would give."""
    metric = find_metric(claim.metric)
    if claim.statement == "not_worse_than":
        return _not_worse(claim, judge_pair(ours.runs, theirs.runs, metric), metric)
    verdict = judge_pair(ours.runs, theirs.runs, metric, margin=claim.margin)
    grounds = PairGrounds(metric, verdict, claim.margin)
    if claim.statement == "equivalent_to":
        return _equivalence(verdict, claim.margin or 0.0), grounds
    wanted, opposite = ("better", "worse")
    if claim.statement == "worse_than":
        wanted, opposite = opposite, wanted
    if verdict.decision == wanted:
        return "supported", grounds
    return "refuted" if verdict.decision == opposite else "undecided", grounds


def sooner(
    claim: claims.Claim, ours: Setting, theirs: Setting
) -> tuple[claims.Verdict, SpeedGrounds]:
    """Whether the target takes at most 1/ratio of the other's steps, and fewer where that is 1.

    Supported where the interval of the median ratio, at the level of a verdict, lies wholly on
    that side; refuted where it lies wholly on the other.
    """
    metric, target = find_metric(claim.metric), claim.target or 0.0
    verdict = judge_pair(ours.runs, theirs.runs, metric)
    found = speedup(ours.runs, theirs.runs, metric, target, confidence=1 - verdict.alpha)
    grounds = SpeedGrounds(metric, target, found, verdict)
    if verdict.decision is None or found is None or found.low is None or found.high is None:
        return "undecided", grounds
    return _sooner(found.low, found.high, claim.ratio), grounds


def _not_worse(
    claim: claims.Claim, verdict: Verdict, metric: Metric
) -> tuple[claims.Verdict, PairGrounds]:
    """By the interval at the level of a verdict; a diverged seed leaves it undecided."""
    margin = claim.margin or 0.0
    found: claims.Verdict = "undecided"
    if verdict.decision is not None and verdict.test != "sign":
        found = not_worse(_better_by(verdict.interval, metric), margin)
    return found, PairGrounds(metric, verdict, margin, at_most_worse=found)


def _better_by(difference: Estimate, metric: Metric) -> Estimate:
    """Positive where the first is better."""
    low, high = difference.low, difference.high
    if metric.higher_is_better or low is None or high is None:
        return difference
    return Estimate(-difference.mean, -high, -low, difference.n)


def _sooner(low: float, high: float, ratio: float) -> claims.Verdict:
    if low > ratio or low == ratio != 1:
        return "supported"
    return "refuted" if high < ratio or high == ratio == 1 else "undecided"


def _equivalence(verdict: Verdict, margin: float) -> claims.Verdict:
    """Refuted where the whole interval of a decided difference lies beyond the margin."""
    if verdict.equivalent:
        return "supported"
    decided = verdict.decision in ("better", "worse")
    return "refuted" if decided and lies_beyond(verdict.interval, margin) else "undecided"
