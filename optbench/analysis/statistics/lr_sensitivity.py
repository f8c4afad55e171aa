"""How much the choice of the learning rate matters.

Wortsman et al., "Small-scale proxies for large-scale transformer training instabilities",
2023, for the sensitivity; with the best learning rate of each seed chosen on the other seeds,
so that it isn't its own judge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from optbench.analysis.interval import Estimate, t_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Losses = Mapping[float, Sequence[float]]  # a loss for each seed, at each learning rate

EVEN = 1e-6  # relative: steps of log lr that differ by less are equal


@dataclass(frozen=True)
class Sensitivity:
    """Mean loss above the best over the grid, that best loss, and where it is."""

    excess: Estimate
    best: Estimate
    best_lr: float


@dataclass(frozen=True)
class Decades:
    """A range of learning rates around the best, within δ of the best loss of all settings.

    `at_least`: it ends at the grid's edge, where nothing says that it wouldn't go on. `low` and
    `high` are None where not even the best learning rate is within δ.
    """

    decades: float
    low: float | None
    high: float | None
    at_least: bool


def lr_sensitivity(losses: Losses, initial: Losses) -> Sensitivity | None:
    """Sensitivity from final and untrained (row 0) losses, seeds in one order everywhere.

    A run counts at most as its untrained loss: so do diverged ones, whose loss is infinite.
    None for fewer than two learning rates. ValueError where seeds are missing.
    """
    if len(losses) < 2:
        return None
    seeds = range(len(next(iter(losses.values()))))
    capped = {
        lr: [min(loss, start) for loss, start in zip(losses[lr], initial[lr], strict=True)]
        for lr in sorted(losses)
    }
    if any(len(row) != len(seeds) for row in capped.values()):
        raise ValueError("every learning rate needs the same seeds")
    best = [capped[_best_lr(capped, leave_out=seed)][seed] for seed in seeds]
    level = [_mean_over_log({lr: row[seed] for lr, row in capped.items()}) for seed in seeds]
    excess = [over - least for over, least in zip(level, best, strict=True)]
    return Sensitivity(t_interval(excess), t_interval(best), _best_lr(capped))


def decades_within(losses: Mapping[float, float], threshold: float) -> Decades:
    """Decades of learning rates, around the best, whose loss is at most the threshold.

    `losses` is a setting's mean loss at each learning rate, infinite where a seed diverged; the
    threshold is the best loss of all settings compared plus δ. The loss is taken as linear in
    log lr between the grid's points, but never towards a diverged one.
    """
    grid = sorted(losses)
    best = min(range(len(grid)), key=lambda place: losses[grid[place]])
    if not losses[grid[best]] <= threshold:
        return Decades(0.0, None, None, at_least=False)
    low, open_below = _reach(losses, grid[best::-1], threshold)
    high, open_above = _reach(losses, grid[best:], threshold)
    return Decades(math.log10(high / low), low, high, open_below or open_above)


def _reach(
    losses: Mapping[float, float], outward: Sequence[float], threshold: float
) -> tuple[float, bool]:
    """How far the range goes along learning rates, and whether the grid ends inside it."""
    for inside, outside in pairwise(outward):
        if losses[outside] > threshold:
            return _crossing(losses, inside, outside, threshold), False
    return outward[-1], True


def _crossing(
    losses: Mapping[float, float], inside: float, outside: float, threshold: float
) -> float:
    """Where the loss meets the threshold; `inside` itself where it is infinite outside."""
    share = (threshold - losses[inside]) / (losses[outside] - losses[inside])
    return inside * math.pow(outside / inside, share)


def _best_lr(losses: Losses, leave_out: int | None = None) -> float:
    """Where the mean loss over the seeds is least; a single seed can't be left out."""

    def total(lr: float) -> float:
        row = losses[lr]
        return math.fsum(
            loss for seed, loss in enumerate(row) if seed != leave_out or len(row) == 1
        )

    return min(losses, key=total)


def _mean_over_log(losses: Mapping[float, float]) -> float:
    """Mean over a grid of learning rates; by trapezoids where log lr isn't evenly spaced."""
    steps = [math.log(after / before) for before, after in pairwise(losses)]
    values = list(losses.values())
    if max(steps) - min(steps) <= EVEN * max(steps):
        return math.fsum(values) / len(values)
    areas = [step * (a + b) / 2 for step, (a, b) in zip(steps, pairwise(values), strict=True)]
    return math.fsum(areas) / math.fsum(steps)
