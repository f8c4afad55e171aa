"""How often a comparison has been looked at, and what it may still claim.

Adding seeds until a difference shows finds one that is not there in 10–23% of cases. One
extension is allowed: .04 at the declared number of seeds and .01 after it are together at most
5% (docs/statistics.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.store.scan import StoredRun

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


def look_at(runs: Iterable[StoredRun], found: int) -> Look:
    """The look at `found` pairs of these runs.

    Each count that an experiment declared is a look, and so are more seeds than any declared:
    those of several experiments together. One seed shows nothing and is none.
    """
    counts = {run.result.declared_seeds for run in runs}
    declared = max(counts, default=1)
    return Look(max(len(counts - {1}), 1) + (found > declared), declared)
