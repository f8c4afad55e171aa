"""How a budget is spent: batches of brackets, in which fewer trials go on from rung to rung.

Without pruning a bracket has one rung, the whole run. Hyperband's brackets are those of Li et al.,
"Hyperband: A novel bandit-based approach to hyperparameter optimization", JMLR 2018, Algorithm 1;
a trial that goes on is not begun anew, so that it costs the epochs that are missing.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.errors import UsageError
from optbench.tuning.proposals import batch_size
from optbench.tuning.pruning import MEDIAN_OF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.catalog.search import Search, Searched
    from optbench.config.tuning import Tuning


DEFAULT_TRIALS = 30


@dataclass(frozen=True)
class Bracket:
    """Trials that are trained side by side: `sizes[i]` of them to the end of epoch `rungs[i]`.

    Where a size is that of the rung before, who goes on is decided otherwise: by the median.
    """

    rungs: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def trials(self) -> int:
        return self.sizes[0]

    @property
    def epochs(self) -> int:
        """What all of it takes at most, on one seed."""
        steps = (b - a for a, b in itertools.pairwise((0, *self.rungs)))
        return sum(size * step for size, step in zip(self.sizes, steps, strict=True))


class Budget:
    """What one optimizer may use: `trials` times `epochs`, on each seed."""

    def __init__(self, tuning: Tuning, trials: int, epochs: int) -> None:
        self.tuning = tuning
        self.trials = trials
        self.epochs = epochs
        self.brackets = list(_hyperband(tuning, trials * epochs, epochs))

    def next_batch(self, asked: int, used: float) -> tuple[Bracket, ...]:
        """The brackets to ask next, after so many trials that used so many epochs on one seed.

        Empty when the budget does not suffice for another whole trial.
        """
        if self.tuning.pruner == "hyperband":
            return self._next_brackets(asked)
        left = self.trials - asked
        if self.tuning.pruner == "median":
            left = math.floor((self.trials * self.epochs - used) / self.epochs)
        size = batch_size(self.tuning, asked)
        count = left if size is None else min(left, size)
        if count < 1:
            return ()
        decides = self.tuning.pruner == "median" and asked >= MEDIAN_OF
        rungs = self._rungs() if decides else (self.epochs,)
        return (Bracket(rungs, (count,) * len(rungs)),)

    def _next_brackets(self, asked: int) -> tuple[Bracket, ...]:
        """All that are left where results change no proposal, else one."""
        begun = 0
        for index, bracket in enumerate(self.brackets):
            if begun == asked:
                learns = self.tuning.sampler not in ("random", "grid")
                return tuple(self.brackets[index : index + 1 if learns else None])
            begun += bracket.trials
        return ()

    def _rungs(self) -> tuple[int, ...]:
        """Where the median decides: after `min_epochs`, `reduction` times as many, and so on."""
        first, factor = self.tuning.min_epochs, self.tuning.reduction
        powers = (first * factor**power for power in itertools.count())
        return (*itertools.takewhile(lambda rung: rung < self.epochs, powers), self.epochs)


def hyperband_brackets(epochs: int, reduction: int, least: int) -> Iterator[Bracket]:
    """One cycle of brackets for at most `epochs` a trial and at least `least`, η = `reduction`.

    s from s_max = ⌊log_η R⌋ down to 0, R = epochs / least: n = ⌈(s_max + 1) ηˢ / (s + 1)⌉ trials of
    r = R η⁻ˢ, of which ⌊n η⁻ⁱ⌋ go on to r ηⁱ.
    """
    largest = 0
    while least * reduction ** (largest + 1) <= epochs:
        largest += 1
    for s in range(largest, -1, -1):
        n = math.ceil((largest + 1) * reduction**s / (s + 1))
        rungs = tuple(max(round(epochs / reduction ** (s - i)), 1) for i in range(s + 1))
        yield Bracket(rungs, tuple(n // reduction**i for i in range(s + 1)))


def _hyperband(tuning: Tuning, budget: int, epochs: int) -> Iterator[Bracket]:
    """Brackets, cycle after cycle, as long as there is a budget; the last has fewer trials."""
    if tuning.pruner != "hyperband":
        return
    cycle = list(hyperband_brackets(epochs, tuning.reduction, tuning.min_epochs))
    for bracket in itertools.cycle(cycle):
        fitting = _cut(bracket, tuning.reduction, budget)
        if fitting is None:
            return
        yield fitting
        budget -= fitting.epochs


def _cut(bracket: Bracket, reduction: int, budget: int) -> Bracket | None:
    """The bracket with as many of its trials as fit into a budget; None where none does."""
    for n in range(bracket.trials, 0, -1):
        sizes = tuple(max(n // reduction**i, 1) for i in range(len(bracket.rungs)))
        fitting = Bracket(bracket.rungs, sizes)
        if fitting.epochs <= budget:
            return fitting
    return None


def trials_of(search: Search) -> int:
    """How many trials each optimizer gets.

    Of a grid all points, where nothing else is said. Raises UsageError where optimizers have
    unlike numbers of points, or fewer than are asked for.
    """
    asked = search.tuning.trials
    if search.tuning.sampler != "grid":
        return DEFAULT_TRIALS if asked is None else asked
    points = {one.label: _points(one) for one in search.contenders}
    listed = ", ".join(f"{label} {count:,}" for label, count in points.items())
    if asked is None and len(set(points.values())) > 1:
        raise UsageError(
            f"the grids have unlike numbers of points ({listed}), and every optimizer gets the "
            f"same number of trials: give them as many points, or say --trials "
            f"{min(points.values())}"
        )
    fewest = min(points.values())
    if asked is not None and asked > fewest:
        raise UsageError(
            f"{asked} trials are more than a grid has points ({listed}): --trials {fewest}, more "
            "points, or another sampler"
        )
    return fewest if asked is None else asked


def _points(searched: Searched) -> int:
    return math.prod(len(dimension.choices or ()) for dimension in searched.dimensions)
