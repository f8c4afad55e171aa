"""The test that suits two settings' final values: of pairs, of signs, or of two means."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from optbench.analysis.interval import Estimate, t_interval, welch_interval
from optbench.analysis.samples import power_of_e
from optbench.analysis.statistics.equivalence import equivalent
from optbench.analysis.statistics.order import median_interval, sign_test_p
from optbench.analysis.statistics.paired import paired_p
from optbench.analysis.statistics.power import fewest_pairs
from optbench.analysis.statistics.unpaired import mann_whitney_share, welch_permutation_p
from optbench.analysis.statistics.welch import welch_t_p
from optbench.analysis.statistics.wilson import Share, wilson

if TYPE_CHECKING:
    from optbench.analysis.samples import Sample

Test = Literal["paired", "sign", "welch"]


@dataclass(frozen=True)
class PairedEvidence:
    """Paired differences: t intervals, and the larger p of paired t and sign flips."""

    sample: Sample
    test: Test = "paired"

    @property
    def n(self) -> int:
        return len(self.sample.differences)

    @cached_property
    def _tested(self) -> Sample:
        return self.sample.logarithms() if self.sample.looks_lognormal else self.sample

    @cached_property
    def p(self) -> float | None:
        return paired_p(self._tested.differences).p if self.n > 1 else None

    @property
    def favours_a(self) -> bool:
        return self.sample.is_better(statistics.fmean(self._tested.differences))

    @property
    def share(self) -> Share | None:
        return _share_of_pairs(self.sample)

    def interval(self, level: float) -> Estimate:
        return t_interval(self.sample.differences, 1 - level)

    def ratio(self, level: float) -> Estimate | None:
        if not self.sample.looks_lognormal:
            return None
        return _exponential(t_interval(self._tested.differences, 1 - level))

    def equivalent(self, margin: float) -> bool:
        return self.n > 1 and equivalent(self.sample.differences, margin).equivalent

    def fewest(self, alpha: float, m: int) -> int:
        return fewest_pairs(alpha, m)


@dataclass(frozen=True)
class SignEvidence:
    """Pairs of which some diverged: a diverged seed loses, whatever the survivors show.

    Pairs where both diverged, or that tie, tell nothing: neither the exact sign test counts
    them nor the order-statistic interval of the median difference.
    """

    sample: Sample
    test: Test = "sign"

    @property
    def n(self) -> int:
        return len(self.sample.differences)

    @property
    def p(self) -> float | None:
        return sign_test_p(self.sample.wins, self.sample.losses)

    @property
    def favours_a(self) -> bool:
        return self.sample.wins > self.sample.losses

    @property
    def share(self) -> Share | None:
        return _share_of_pairs(self.sample)

    def interval(self, level: float) -> Estimate:
        told = [difference for difference in self.sample.differences if difference]
        if not told:
            return Estimate(0.0, None, None, self.n)
        found = median_interval(told, 1 - level)
        return Estimate(found.median, found.low, found.high, self.n)

    def ratio(self, level: float) -> Estimate | None:  # noqa: ARG002 - one interface for all
        return None

    def equivalent(self, margin: float) -> bool:  # noqa: ARG002 - a diverged seed is within none
        return False

    def fewest(self, alpha: float, m: int) -> int:
        return fewest_pairs(alpha, m)


@dataclass(frozen=True)
class WelchEvidence:
    """Two independent samples; with a diverged seed among them nothing is tested."""

    sample: Sample
    test: Test = "welch"

    @property
    def n(self) -> int:
        return self.sample.finished

    @cached_property
    def _tested(self) -> Sample:
        return self.sample.logarithms() if self.sample.looks_lognormal else self.sample

    @cached_property
    def p(self) -> float | None:
        """Of Welch's t: the larger one of its own distribution and of permutations."""
        if self.sample.lost or self.n < 2:
            return None
        a, b = self._tested.a, self._tested.b
        return max(welch_t_p(a, b), welch_permutation_p(a, b))

    @property
    def favours_a(self) -> bool:
        means = [statistics.fmean(values) for values in (self._tested.a, self._tested.b)]
        return self.sample.is_better(means[0] - means[1])

    @cached_property
    def share(self) -> Share | None:
        """The Mann–Whitney share: over all pairs of seeds, without an interval."""
        if not self.n:
            return None
        above = mann_whitney_share(self.sample.a, self.sample.b)
        better = above if self.sample.metric.higher_is_better else 1 - above
        return Share(better, None, None, self.n)

    def interval(self, level: float) -> Estimate:
        if not self.n:
            return Estimate(math.nan, None, None, 0)
        return welch_interval(self.sample.a, self.sample.b, 1 - level)

    def ratio(self, level: float) -> Estimate | None:
        if not self.sample.looks_lognormal:
            return None
        return _exponential(welch_interval(self._tested.a, self._tested.b, 1 - level))

    def equivalent(self, margin: float) -> bool:
        found = welch_interval(self.sample.a, self.sample.b, 0.9)
        if found.low is None or found.high is None:
            return False
        return -margin < found.low and found.high < margin

    def fewest(self, alpha: float, m: int) -> int:
        """Seeds of each that can decide: the extreme splits of 2n values are 2 of C(2n, n)."""
        n = 2
        while 2 / math.comb(2 * n, n) > alpha / m:
            n += 1
        return n


Evidence = PairedEvidence | SignEvidence | WelchEvidence


def find_evidence(sample: Sample) -> Evidence:
    """Pairs are compared as pairs, by their signs where any diverged."""
    if not sample.paired:
        return WelchEvidence(sample)
    return SignEvidence(sample) if sample.lost else PairedEvidence(sample)


def _share_of_pairs(sample: Sample) -> Share | None:
    n = len(sample.differences)
    ties = n - sample.wins - sample.losses
    return wilson(sample.wins + ties / 2, n) if n else None


def _exponential(estimate: Estimate) -> Estimate:
    """The estimate of a logarithm as that of the number itself."""
    low, high = (end if end is None else power_of_e(end) for end in (estimate.low, estimate.high))
    return Estimate(power_of_e(estimate.mean), low, high, estimate.n)
