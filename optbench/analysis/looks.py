"""How often a comparison has been looked at, and what it may still claim.

Adding seeds until a difference shows finds one that is not there in 10–23% of cases. One
extension is allowed: .04 at the declared number of seeds and .01 after it are together at most
5% (docs/statistics.md).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.store.stored_run import StoredRun

FIRST_ALPHA = 0.04
SECOND_ALPHA = 0.01
LOOKS = 2


@dataclass(frozen=True)
class Look:
    """Which look it is, counted from 1, and how many seeds were declared for it."""

    number: int
    declared: int

    @property
    def alpha(self) -> float:
        return FIRST_ALPHA if self.number == 1 else SECOND_ALPHA

    @property
    def next_alpha(self) -> float:
        """What more seeds would be judged at: the extension, or else a new experiment."""
        return SECOND_ALPHA if self.number == 1 else FIRST_ALPHA

    @property
    def is_allowed(self) -> bool:
        return self.number <= LOOKS


def look_at(found: int, *sides: Iterable[StoredRun]) -> Look:
    """The look at `found` seeds of each side: at pairs, where there are two.

    The seeds declared for it are those that each side has to have. Each count up to these that one
    experiment trained a side under is a look, for the other side may have come from elsewhere; so
    is each that both were trained under; and so are more seeds than declared: those of several
    experiments together. One seed shows nothing and is none.
    """
    known = [tuple(side) for side in sides]
    declared = min(max((run.declared for run in side), default=1) for side in known)
    counts = [{run.result.declared_seeds for run in side} for side in known]
    shared = set.intersection(*counts) | {declared}
    alone: dict[tuple[int, str], set[int]] = defaultdict(set)
    for number, result in ((i, run.result) for i, side in enumerate(known) for run in side):
        if result.declared_seeds <= declared:
            alone[number, result.experiment].add(result.declared_seeds)
    looks = max(len(seen - {1}) for seen in (*alone.values(), shared))
    return Look(max(looks, 1) + (found > declared), declared)
