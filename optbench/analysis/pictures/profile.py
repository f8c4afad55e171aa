"""Performance profiles: how often an optimizer is within a factor of the soonest, over problems.

Dolan & Moré, "Benchmarking optimization software with performance profiles", Math. Program. 91
(2002); score and limit as in AlgoPerf [Dahl et al. 2023].
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.pictures.series import Series, family
from optbench.analysis.pictures.target import leading_times
from optbench.analysis.statistics.profile import (
    WORST_RATIO,
    performance_profile,
    profile_score,
    ratios,
)
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.target import Unit

FEWEST_PROBLEMS = 2


@dataclass(frozen=True)
class Contestant:
    """An optimizer: its time over the shortest in each problem, infinite for never."""

    series: Series
    ratios: tuple[float, ...]
    score: float

    def steps(self, limit: float) -> tuple[tuple[float, float], ...]:
        """(τ, share of problems within τ) at each τ where that changes, from 1 to the limit."""
        taus = sorted({1.0, limit} | {ratio for ratio in self.ratios if ratio <= limit})
        return tuple(zip(taus, performance_profile(self.ratios, taus), strict=True))


@dataclass(frozen=True)
class Profile:
    """Who takes part, best score first, over which problems, up to which factor."""

    contestants: tuple[Contestant, ...]
    problems: tuple[str, ...]
    unit: Unit
    limit: float
    absent: tuple[str, ...]  # optimizers that lack one of the problems


def profile(comparison: Comparison, unit: Unit | None = None) -> Profile:
    """The best setting of each optimizer that has all problems, by its median time to target.

    UsageError for fewer than two problems with a target, or no two optimizers with all of them.
    """
    unit = unit or comparison.problems[0].unit
    timed = [(problem.label, _medians(problem, unit)) for problem in comparison.problems]
    told = [(label, times) for label, times in timed if times]
    if len(told) < FEWEST_PROBLEMS:
        raise UsageError(
            f"a profile needs {FEWEST_PROBLEMS} problems with a target, got {len(told)}; "
            "train the same optimizers on another data set or model"
        )
    families = sorted({name for _, times in told for name in times})
    taking = [name for name in families if all(name in times for _, times in told)]
    if len(taking) < 2:
        raise UsageError("a profile needs two optimizers that were run on every problem")
    contestants = _contestants({name: [times[name] for _, times in told] for name in taking})
    return Profile(
        contestants=contestants,
        problems=tuple(label for label, _ in told),
        unit=unit,
        limit=WORST_RATIO,
        absent=tuple(name for name in families if name not in taking),
    )


def _contestants(times: Mapping[str, Sequence[float]]) -> tuple[Contestant, ...]:
    """Best score first; from the times of each, problem by problem."""
    found = ratios(times)
    if not any(math.isfinite(ratio) for own in found.values() for ratio in own):
        raise UsageError(
            "no optimizer reached the target of any problem; choose an easier --target"
        )
    contestants = [
        Contestant(Series(name, name, 0), tuple(own), profile_score(own))
        for name, own in found.items()
    ]
    return tuple(sorted(contestants, key=lambda one: -one.score))


def _medians(problem: ProblemComparison, unit: Unit) -> dict[str, float]:
    """The median time of each optimizer's best setting; of several that lead the first."""
    medians: dict[str, float] = {}
    for row, times in leading_times(problem, unit):
        medians.setdefault(family(row), statistics.median(times))
    return medians
