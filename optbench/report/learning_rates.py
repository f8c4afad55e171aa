"""The sentences about learning rates: which was best, and what another would have cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.pictures.sensitivity import LrCurve, problem_sensitivity
from optbench.config.spec import short_value
from optbench.report import numbers, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.analysis.comparison import ProblemComparison

FEWEST = 3  # learning rates of a grid worth a sentence
MOST_SENTENCES = 4  # more optimizers than these are left to the picture


def learning_rates(problem: ProblemComparison) -> Iterator[str]:
    """A sentence for each optimizer with a grid; nothing where there are many of them."""
    found = problem_sensitivity(problem)
    curves = [curve for curve in found.curves if len(curve.stops) >= FEWEST] if found else []
    if found is None or len(curves) > MOST_SENTENCES:
        return
    for curve in curves:
        yield from _sentence(curve, words.quantity(found.criterion))


def _sentence(curve: LrCurve, measured: str) -> Iterator[str]:
    """`adam does best at lr=0.001; over the 7 tried, its train loss is 0.21 above that`."""
    found = curve.sensitivity
    if found is None:
        return
    cost, low, high = found.excess.mean, found.excess.low, found.excess.high
    span = "" if low is None or high is None else f" ({numbers.loss(low)} to {numbers.loss(high)})"
    diverged = sum(bool(stop.diverged) for stop in curve.stops)
    lost = f", {diverged} of which diverged" if diverged else ""
    seeds = {trial.seed for stop in curve.stops for trial in stop.trials}
    common = "" if found.excess.n == len(seeds) else f" on the {found.excess.n} seeds in common"
    yield (
        f"{curve.series.label} does best at lr={short_value(found.best_lr)}{common}; over the "
        f"{len(curve.stops)} learning rates tried{lost}, its {measured} is {numbers.loss(cost)}"
        f"{span} above that on average."
    )
