"""What was found of a claim, and on what grounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optbench.analysis.interval import Estimate
    from optbench.analysis.metric import Metric
    from optbench.analysis.speedup import Speedup
    from optbench.analysis.statistics.wilson import Share
    from optbench.analysis.verdict import Verdict
    from optbench.config import claims


@dataclass(frozen=True)
class PairGrounds:
    """A verdict on the setting against the other.

    `at_most_worse`: of a claim that it is not worse by more than the margin, what is found.
    """

    metric: Metric
    verdict: Verdict
    margin: float | None = None
    at_most_worse: claims.Verdict | None = None


@dataclass(frozen=True)
class BoundGrounds:
    """Mean of a metric over the seeds with its t interval at 1 − `level`.

    `diverged` seeds are not in it, nor are `missing` ones; `spent`: seeds were added too often
    for a verdict.
    """

    metric: Metric
    estimate: Estimate | None
    level: float
    diverged: int
    missing: int
    spent: bool


@dataclass(frozen=True)
class SpeedGrounds:
    """By what factor the setting was sooner; `verdict` says whether it may be judged yet."""

    metric: Metric
    target: float
    speedup: Speedup | None
    verdict: Verdict


@dataclass(frozen=True)
class DivergenceGrounds:
    """How many of the finished seeds diverged, and how many are still to come."""

    diverged: Share | None  # None where none has finished
    missing: int


@dataclass(frozen=True)
class BytesGrounds:
    """Bytes of optimizer state a parameter; of the other setting too where one is named."""

    ours: float | None
    theirs: float | None = None


@dataclass(frozen=True)
class DecadesGrounds:
    """Decades of learning rates within δ of the best loss: means over seeds, t intervals.

    `at_least`: at some seed the range goes on to the grid's edge. `difference` is the mean of the
    paired `differences`, ours minus theirs, with its p; `fewest` pairs can decide, after this
    `look` `fewest_next`. All intervals are at 1 − `level`; `missing` and `spent` as in
    `BoundGrounds`.
    """

    within: float
    level: float
    missing: int
    spent: bool
    look: int
    fewest: int
    fewest_next: int
    ours: Estimate | None
    ours_at_least: bool = False
    theirs: Estimate | None = None
    theirs_at_least: bool = False
    differences: tuple[float, ...] = ()
    difference: Estimate | None = None
    p: float | None = None


Grounds = (
    PairGrounds | BoundGrounds | SpeedGrounds | DivergenceGrounds | BytesGrounds | DecadesGrounds
)


@dataclass(frozen=True)
class Judgement:
    """A claim, judged on one problem.

    `chosen` names settings that were the best of several by the column `chosen_by`; `stand_in` is
    the data set in whose place another was used. A claim about several problems is judged on each.
    """

    experiment: str
    claim: claims.Claim
    problem: str
    is_one_of_several: bool
    found: claims.Verdict
    grounds: Grounds
    chosen: tuple[str, ...]
    chosen_by: str
    stand_in: str | None

    @property
    def as_expected(self) -> bool:
        return self.found == self.claim.verdict
