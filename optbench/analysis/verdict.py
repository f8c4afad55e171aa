"""Better, worse or undecided: what the seeds of two settings show (docs/statistics.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from optbench.analysis.evidence import Evidence, Test, find_evidence
from optbench.analysis.looks import Look, look_at
from optbench.analysis.prospects import Prospects, prospects
from optbench.analysis.samples import Sample, sample
from optbench.analysis.statistics.holm import holm_levels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optbench.analysis.interval import Estimate
    from optbench.analysis.metric import Metric
    from optbench.analysis.statistics.wilson import Share
    from optbench.store.stored_run import StoredRun

Decision = Literal["better", "worse", "undecided"]
Why = Literal[
    "decided",  # better or worse
    "difference",  # undecided: enough seeds, too small a difference for them
    "too few pairs",  # undecided: no difference could decide with so few
    "diverged",  # undecided: seeds diverged and pairing was not possible
    "interim",  # not yet: fewer finished pairs than were declared
    "one seed",  # not yet: one seed shows nothing
    "third look",  # no more: fresh seeds are needed
    "no value",  # nothing finished that could be compared
]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is decided about setting A against setting B, and on what grounds.

    `decision` is None where none may be given yet; in the metric's own direction otherwise.
    `level` is what `p` was compared with: `alpha` after Holm's correction for `m` comparisons.
    `interval` is of the mean difference a − b (sign test: of the median one) at 1 − `level`, so
    that it excludes 0 wherever a decision was taken. `shown` and the seeds are for paired,
    undecided differences: the smallest one that these seeds show with 80% power, and the seeds in
    all that would show the interval's far end and the difference seen.
    """

    decision: Decision | None
    why: Why
    test: Test
    n: int  # pairs, or seeds of the smaller sample
    declared: int
    p: float | None
    alpha: float
    level: float
    look: int
    m: int
    fewest: int  # pairs that can decide
    fewest_next: int  # the same for an extension of these, or after one for fresh seeds
    interval: Estimate
    ratio: Estimate | None  # a / b, where losses that look lognormal were compared as log loss
    share: Share | None  # P(A better); of seeds that are not paired without an interval
    equivalent: bool | None  # None without a margin
    shown: float | None  # in the metric's unit; where `ratio` is given, a factor
    seeds_far: int | None
    seeds_seen: int | None


def judge_pair(
    a: Sequence[StoredRun], b: Sequence[StoredRun], metric: Metric, *, margin: float | None = None
) -> Verdict:
    """The verdict on one setting against another, where no others are compared."""
    return judge_against(b, {"": a}, metric, margin=margin)[""]


def judge_against(
    reference: Sequence[StoredRun],
    others: Mapping[str, Sequence[StoredRun]],
    metric: Metric,
    *,
    margin: float | None = None,
) -> dict[str, Verdict]:
    """The verdict on each setting against the reference, with Holm's correction for all of them.

    `margin`, in the metric's unit, is within which two settings count as equivalent.
    """
    pairs = {key: (runs, reference) for key, runs in others.items()}
    return judge_pairs(pairs, metric, margin=margin)


def judge_pairs(
    pairs: Mapping[str, tuple[Sequence[StoredRun], Sequence[StoredRun]]],
    metric: Metric,
    *,
    margin: float | None = None,
) -> dict[str, Verdict]:
    """The verdict on the first of each pair against the second, with Holm's correction for all."""
    cases = {key: _Case.of(a, b, metric) for key, (a, b) in pairs.items()}
    levels = holm_levels([case.scaled_p for case in cases.values()], 1.0)
    return {
        key: case.judge(level, len(cases), margin)
        for (key, case), level in zip(cases.items(), levels, strict=True)
    }


@dataclass(frozen=True)
class _Case:
    """One comparison before the correction."""

    sample: Sample
    look: Look
    hindrance: Why | None  # why no test may be made
    evidence: Evidence

    @classmethod
    def of(cls, a: Sequence[StoredRun], b: Sequence[StoredRun], metric: Metric) -> _Case:
        found = sample(a, b, metric)
        look = look_at(found.finished, a, b)
        return cls(found, look, _hindrance(found, look), find_evidence(found))

    @property
    def p(self) -> float | None:
        return None if self.hindrance else self.evidence.p

    @property
    def scaled_p(self) -> float:
        """p in units of this look's alpha, as the looks of several comparisons may differ."""
        return math.inf if self.p is None else self.p / self.look.alpha

    def judge(self, share_of_alpha: float, m: int, margin: float | None) -> Verdict:
        evidence, alpha = self.evidence, self.look.alpha
        level, fewest = share_of_alpha * alpha, evidence.fewest(alpha, m)
        why = self.hindrance or self._why(self.scaled_p <= share_of_alpha, fewest)
        undecided = why in ("difference", "too few pairs")
        outlook = prospects(self.sample, level, self.look, m) if undecided else Prospects()
        return Verdict(
            decision=self._decision(why),
            why=why,
            test=evidence.test,
            n=self.sample.finished if self.hindrance else evidence.n,
            declared=self.look.declared,
            p=self.p,
            alpha=alpha,
            level=level,
            look=self.look.number,
            m=m,
            fewest=fewest,
            fewest_next=evidence.fewest(self.look.next_alpha, m),
            interval=evidence.interval(level),
            ratio=evidence.ratio(level),
            share=evidence.share,
            equivalent=self._equivalent(margin),
            shown=outlook.shown,
            seeds_far=outlook.seeds_far,
            seeds_seen=outlook.seeds_seen,
        )

    def _why(self, rejected: bool, fewest: int) -> Why:
        if rejected:
            return "decided"
        if self.p is None:
            return "diverged"
        return "too few pairs" if self.evidence.n < fewest else "difference"

    def _decision(self, why: Why) -> Decision | None:
        if self.hindrance:
            return None
        if why != "decided":
            return "undecided"
        return "better" if self.evidence.favours_a else "worse"

    def _equivalent(self, margin: float | None) -> bool | None:
        if margin is None:
            return None
        return self.hindrance is None and self.evidence.equivalent(margin)


def _hindrance(found: Sample, look: Look) -> Why | None:
    if not found.finished or not found.any_value:
        return "no value"
    if look.declared == found.finished == 1:
        return "one seed"
    if found.finished < look.declared:
        return "interim"
    return None if look.is_allowed else "third look"
