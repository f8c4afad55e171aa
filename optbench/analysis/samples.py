"""What two settings showed at each seed, as the plain numbers that a test takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from optbench.analysis.pairing import pairs
from optbench.analysis.target import final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.analysis.metric import Metric
    from optbench.store.stored_run import StoredRun

LARGEST_EXPONENT = 709.0  # of e that a float holds
LOG_SPREAD = 10.0  # losses of one setting that spread so far over its seeds look lognormal


@dataclass(frozen=True)
class Sample:
    """Final values of two settings: of pairs, place by place, or of all their seeds.

    A seed that diverged, or ended on a value that is not finite, has the worst there is:
    infinity, or minus infinity where higher is better.
    """

    a: tuple[float, ...]
    b: tuple[float, ...]
    paired: bool
    metric: Metric

    @property
    def finished(self) -> int:
        """How many pairs there are, or seeds of the smaller sample."""
        return min(len(self.a), len(self.b))

    @property
    def lost(self) -> bool:
        """Whether a seed of either diverged."""
        return not all(map(math.isfinite, [*self.a, *self.b]))

    @property
    def any_value(self) -> bool:
        """Whether any seed of either did not diverge."""
        return any(map(math.isfinite, [*self.a, *self.b]))

    @cached_property
    def differences(self) -> tuple[float, ...]:
        """a − b of the pairs, without those where both diverged."""
        told = zip(self.a, self.b, strict=True)
        return tuple(x - y for x, y in told if math.isfinite(x) or math.isfinite(y))

    @cached_property
    def wins(self) -> int:
        """How many pairs A is better in."""
        return sum(self.is_better(difference) for difference in self.differences)

    @cached_property
    def losses(self) -> int:
        return sum(self.is_better(-difference) for difference in self.differences)

    def is_better(self, difference: float) -> bool:
        """Whether a difference a − b is in A's favour."""
        return difference > 0 if self.metric.higher_is_better else difference < 0

    @cached_property
    def looks_lognormal(self) -> bool:
        """Whether these are losses that should be compared as ratios.

        So they are where the largest of either setting is ten or more times its smallest.
        """
        if self.metric.higher_is_better or self.lost or not self.finished:
            return False
        if min([*self.a, *self.b]) <= 0:
            return False
        return any(max(values) >= LOG_SPREAD * min(values) for values in (self.a, self.b))

    def logarithms(self) -> Sample:
        """The same as natural logarithms."""
        a, b = (tuple(map(math.log, values)) for values in (self.a, self.b))
        return Sample(a, b, self.paired, self.metric)


def power_of_e(logarithm: float) -> float:
    """What a logarithm is of; infinite where no float holds it."""
    return math.exp(logarithm) if logarithm < LARGEST_EXPONENT else math.inf


def sample(a: Sequence[StoredRun], b: Sequence[StoredRun], metric: Metric) -> Sample:
    """Of the pairs among the finished runs, or of all of them where no two can be paired."""
    ours, theirs = _counted(a, metric), _counted(b, metric)
    matched = pairs(ours, theirs)
    if matched:
        ours, theirs = [run for run, _ in matched], [run for _, run in matched]
    return Sample(_outcomes(ours, metric), _outcomes(theirs, metric), bool(matched), metric)


def _counted(runs: Iterable[StoredRun], metric: Metric) -> list[StoredRun]:
    """Finished runs, without completed ones that did not measure the metric."""
    return [
        run
        for run in runs
        if run.status == "diverged"
        or (run.status == "completed" and final(run, metric.name) is not None)
    ]


def _outcomes(runs: Iterable[StoredRun], metric: Metric) -> tuple[float, ...]:
    return tuple(_outcome(run, metric) for run in runs)


def _outcome(run: StoredRun, metric: Metric) -> float:
    value = final(run, metric.name) if run.status == "completed" else None
    if value is not None and math.isfinite(value):
        return value
    return -math.inf if metric.higher_is_better else math.inf
