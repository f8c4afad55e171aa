"""What undecided seeds could have shown, and how many would show what may be there."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.interval import t_interval
from optbench.analysis.samples import power_of_e
from optbench.analysis.statistics.power import fewest_pairs, seeds_needed, shown_effect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.analysis.looks import Look
    from optbench.analysis.samples import Sample


@dataclass(frozen=True)
class Prospects:
    """The smallest difference that these pairs show with 80% power, and seeds needed in all.

    `seeds_far` for the far end of the interval, `seeds_seen` for the difference seen, at the
    level of the next look; None where none would do. `shown` is None where these pairs can show
    nothing; it is a factor where losses were compared as log loss.
    """

    shown: float | None = None
    seeds_far: int | None = None
    seeds_seen: int | None = None


def prospects(sample: Sample, level: float, look: Look, m: int) -> Prospects:
    """The outlook of paired differences; of no others, for which no power is known."""
    if not sample.paired or sample.lost:
        return Prospects()
    is_log = sample.looks_lognormal
    differences = (sample.logarithms() if is_log else sample).differences
    spread = statistics.stdev(differences)
    shown = shown_effect(len(differences), look.alpha, m) * spread
    if is_log:
        shown = power_of_e(shown)
    far = t_interval(differences, 1 - level)
    ends = [abs(end) for end in (far.low, far.high) if end is not None]
    return Prospects(
        shown if math.isfinite(shown) else None,
        _needed(max(ends), spread, differences, look, m),
        _needed(abs(far.mean), spread, differences, look, m),
    )


def _needed(
    effect: float, spread: float, differences: Sequence[float], look: Look, m: int
) -> int | None:
    """None for no effect; an extension takes more seeds than there are already."""
    if effect == 0:
        return None
    least = len(differences) + 1 if look.number == 1 else 0
    if spread == 0:
        return max(fewest_pairs(look.next_alpha, m), least)
    needed = seeds_needed(effect / spread, look.next_alpha, m)
    return None if needed is None else max(needed, least)
