"""How much sooner one setting reaches the target than another, seed by seed."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.clock import clock
from optbench.analysis.interval import CONFIDENCE
from optbench.analysis.pairing import pairs
from optbench.analysis.statistics.order import median_ranks, sign_test_p
from optbench.analysis.statistics.wilson import Share, wilson
from optbench.analysis.target import horizon, seed_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.analysis.metric import Metric
    from optbench.analysis.target import Unit
    from optbench.store.stored_run import StoredRun


@dataclass(frozen=True)
class Speedup:
    """The median over pairs of b's time to the target through a's, 0 or infinite where one
    never got there.

    `low` and `high` are its order-statistic interval, at 95% None below 6 pairs. Pairs of which
    neither got there are `dropped` from median and test, and count as 0 and as infinity in the
    bounds. `a` and `b` are the shares of the pairs' seeds that got there.
    """

    ratio: float
    low: float | None
    high: float | None
    n: int
    dropped: int
    p: float  # of the sign test
    a: Share
    b: Share
    unit: Unit


def speedup(
    a: Sequence[StoredRun],
    b: Sequence[StoredRun],
    metric: Metric,
    target: float,
    unit: Unit = "steps",
    *,
    confidence: float = CONFIDENCE,
) -> Speedup | None:
    """By what factor `a` was sooner than `b`: it got there in 1/ratio of b's steps.

    None without pairs, where no seed of either got there, where horizons differ, and for seconds
    of different machines or kinds of cohort, or without a record of them. Interrupted and failed
    runs are missing.
    """
    matched = pairs(_counted(a), _counted(b))
    members = [run for pair in matched for run in pair]
    if not matched or not _have_one_horizon(members, unit) or not _same_speed(members, unit):
        return None
    times = [seed_time(run, metric, target, unit).at(unit) for run in members]
    known = [time for time in times if time is not None]
    if len(known) < len(times) or not any(map(math.isfinite, known)):
        return None
    ours, theirs = known[::2], known[1::2]
    ratios = [_ratio(x, y) for x, y in zip(ours, theirs, strict=True) if min(x, y) < math.inf]
    low, high = _bounds(ratios, len(matched) - len(ratios), confidence)
    return Speedup(
        ratio=_median(ratios),
        low=low,
        high=high,
        n=len(matched),
        dropped=len(matched) - len(ratios),
        p=sign_test_p(sum(ratio > 1 for ratio in ratios), sum(ratio < 1 for ratio in ratios)),
        a=_share(ours),
        b=_share(theirs),
        unit=unit,
    )


def _counted(runs: Iterable[StoredRun]) -> list[StoredRun]:
    return [run for run in runs if run.finished and run.rows]


def _have_one_horizon(runs: Iterable[StoredRun], unit: Unit) -> bool:
    """Whether all runs that came to their end were given as long; a diverged one tells nothing."""
    ends = {horizon(run, unit) for run in runs if run.status == "completed"}
    return len(ends) <= 1


def _same_speed(runs: Iterable[StoredRun], unit: Unit) -> bool:
    """Whether times in this unit may be compared; steps always may."""
    if unit != "seconds":
        return True
    return len({clock(run) for run in runs}) == 1


def _ratio(ours: float, theirs: float) -> float:
    if ours == theirs:
        return 1.0
    return math.inf if ours == 0 else theirs / ours


def _bounds(
    ratios: Sequence[float], dropped: int, confidence: float
) -> tuple[float | None, float | None]:
    ranks = median_ranks(len(ratios) + dropped, confidence)
    if ranks is None:
        return None, None
    lowest, highest = sorted([*ratios, *[0.0] * dropped]), sorted([*ratios, *[math.inf] * dropped])
    return lowest[ranks[0] - 1], highest[ranks[1] - 1]


def _median(ratios: Sequence[float]) -> float:
    """Between 0 and infinity it is as likely one as the other: 1 in the middle."""
    ordered = sorted(ratios)
    middle = (statistics.median_low(ordered), statistics.median_high(ordered))
    return 1.0 if middle == (0.0, math.inf) else statistics.fmean(middle)


def _share(times: Sequence[float]) -> Share:
    return wilson(sum(map(math.isfinite, times)), len(times))
