"""Tuning curves: what a budget of k trials is worth.

Of a random search the expected best of k trials, with a band [Dodge et al., "Show Your Work",
EMNLP 2019; without bias by Tang et al., ACL 2020]. Of a search that learns from its trials the
best so far, in their order: its trials are no sample, and there is one order alone. Of a grid the
best of k of its settings, which is exact, and tells nothing about settings outside the grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from optbench.analysis.pictures.series import Series, numbered
from optbench.analysis.search import FEWEST_TRIALS
from optbench.analysis.statistics.best_of_k import (
    Crossing,
    Trials,
    certain_leads,
    crossing,
    expected_best,
    trusted_trials,
    tuning_curve,
)
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.analysis.search import ProblemSearch, Search, Tried


@dataclass(frozen=True)
class Budget:
    """What the best of `k` trials scores; the 95% band where there is one."""

    k: int
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class TuningCurve:
    """One optimizer: its search, and what is known for k from 1 on."""

    series: Series
    search: Search
    budgets: tuple[Budget, ...]

    def at(self, k: int) -> Budget | None:
        return next((budget for budget in self.budgets if budget.k == k), None)


@dataclass(frozen=True)
class Duel:
    """Two random searches, of which `ahead` has the better curve in the end.

    `crossed` is from how many trials on that is so, None where it is so from the first on.
    `certain` is the crossing of which both sides are certain. Without one, `better` is the only
    one that is better for certain, with the numbers of trials from and to `told_apart`. A band
    can be trusted up to `trusted` trials.
    """

    first: str
    second: str
    ahead: str
    crossed: int | None
    certain: Crossing | None
    better: str | None
    told_apart: tuple[int, int] | None
    trusted: int


@dataclass(frozen=True)
class ProblemTuning:
    """The optimizers with enough trials; `left_out` counts the others."""

    found: ProblemSearch
    curves: tuple[TuningCurve, ...]
    duels: tuple[Duel, ...]
    left_out: int


def problem_tunings(searches: Sequence[ProblemSearch]) -> tuple[ProblemTuning, ...]:
    """Each problem with an optimizer of four or more trials; UsageError without any."""
    found = tuple(problem for problem in map(problem_tuning, searches) if problem.curves)
    if not found:
        raise UsageError(
            f"a tuning curve needs {FEWEST_TRIALS} finished settings of one optimizer; "
            "give it a grid of learning rates, or search with `optbench tune`"
        )
    return found


def problem_tuning(problem: ProblemSearch) -> ProblemTuning:
    """The curves of one problem, as many as there are."""
    told = [one for one in problem.searches if len(one.told) >= FEWEST_TRIALS]
    series = numbered((one.label, one.family) for one in told)
    known = (
        TuningCurve(its, one, tuple(_budgets(one, problem)))
        for its, one in zip(series, told, strict=True)
    )
    curves = tuple(curve for curve in known if curve.budgets)  # none where all trials diverged
    duels = tuple(_duel(a, b, problem) for a, b in combinations(told, 2) if problem.is_sample)
    return ProblemTuning(problem, curves, duels, len(problem.searches) - len(curves))


def _budgets(search: Search, problem: ProblemSearch) -> Iterator[Budget]:
    if problem.is_sample:
        for point in tuning_curve(_trials(search, problem)):
            banded = point.band == "bootstrap"
            band = (point.low, point.high) if banded else (None, None)
            yield Budget(point.k, point.expected, *band)
    elif problem.sampler is None:
        trials = _trials(search, problem)
        for k in range(1, len(search.told) + 1):
            yield Budget(k, expected_best(trials, k))
    else:
        yield from _best_so_far(search, problem)


def _best_so_far(search: Search, problem: ProblemSearch) -> Iterator[Budget]:
    """From the first completed trial on; a trial that was stopped early is never the best."""
    best: Tried | None = None
    for k, one in enumerate(search.tried, start=1):
        usable = one in search.told and one.fate == "completed"
        if usable and (best is None or _score(one, problem) > _score(best, problem)):
            best = one
        if best is not None and best.metric is not None:
            yield Budget(k, best.metric)


def _score(one: Tried, problem: ProblemSearch) -> float:
    """The objective such that more is better."""
    value = one.objective or 0.0
    return value if problem.higher_is_better else -value


def _trials(search: Search, problem: ProblemSearch) -> Trials:
    """For statistics that have one direction for the objective and the metric."""
    higher = problem.metric.higher_is_better
    sign = 1.0 if higher else -1.0
    return Trials(
        tuple(sign * _score(one, problem) for one in search.told),
        tuple(one.metric for one in search.told if one.metric is not None),
        higher_is_better=higher,
    )


def _duel(a: Search, b: Search, problem: ProblemSearch) -> Duel:
    first, second = _trials(a, problem), _trials(b, problem)
    leads, trusted = certain_leads(first, second), trusted_trials(first, second)
    most = min(len(a.told), len(b.told))
    higher = problem.metric.higher_is_better
    order = [
        (expected_best(first, k) > expected_best(second, k)) is higher for k in range(1, most + 1)
    ]
    steady = next(k for k in range(1, most + 1) if len(set(order[k - 1 :])) == 1)
    one_sided = len(set(leads.values())) == 1
    return Duel(
        first=a.label,
        second=b.label,
        ahead=a.label if order[-1] else b.label,
        crossed=steady if steady > 1 else None,
        certain=crossing(first, second),
        better=(a.label if next(iter(leads.values())) else b.label) if one_sided else None,
        told_apart=(min(leads), max(leads)) if one_sided else None,
        trusted=trusted,
    )
