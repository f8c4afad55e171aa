"""Axes of searched values: logarithmic where the space is, places where they are choices."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optbench.analysis.search import is_number
from optbench.config.spec import format_value
from optbench.report.charts.axes import even_ticks, log_ticks
from optbench.report.search_results import written
from optbench.report.table import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.analysis.search import ProblemSearch, Search
    from optbench.store.tuning import Dimension

SPREAD = 10  # times the smallest of positive choices is the largest: they stand on a log scale


@dataclass(frozen=True)
class ValueScale:
    """Where the values of one key stand: numbers from `low` to `high`, or choices by their places.

    A number of a log scale stands at its logarithm.
    """

    key: str
    low: float
    high: float
    log: bool
    choices: tuple[str, ...] = ()  # as text, where they are no numbers
    numbers: tuple[float, ...] = ()  # where there are no others

    def place(self, value: Any) -> float | None:
        """None for what has no place here."""
        if self.choices:
            text = format_value(value)
            return float(self.choices.index(text)) if text in self.choices else None
        if not is_number(value) or (self.log and value <= 0):
            return None
        return math.log10(value) if self.log else float(value)

    @property
    def ends(self) -> tuple[float, float]:
        """The places of the first and the last value."""
        if self.choices:
            return -0.5, len(self.choices) - 0.5
        if self.log:
            return math.log10(self.low), math.log10(self.high)
        return (self.low, self.high) if self.low < self.high else (self.low - 0.5, self.high + 0.5)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Places and what is written there."""
        if self.choices:
            return [(float(place), safe_text(text)) for place, text in enumerate(self.choices)]
        if self.log:
            chosen = log_ticks(self.low * (1 - 1e-9), self.high * (1 + 1e-9))
            decades = [tick for tick in chosen if math.log10(tick) == round(math.log10(tick))]
            chosen = decades if len(decades) > 1 else chosen
            apart = -(-len(chosen) // most)
            return [(math.log10(tick), written(tick)) for tick in chosen[::apart]]
        few = self.numbers if 0 < len(self.numbers) <= most else even_ticks(*self.ends, most)
        return [(tick, written(tick)) for tick in few]

    def share(self, at: float) -> float:
        """Of the way from the first place to the last one, at most all of it."""
        low, high = self.ends
        return min(max((at - low) / (high - low), 0.0), 1.0)

    def written(self, value: Any) -> str:
        """A value as people read it."""
        return safe_text(written(value))

    def axis(self, most: int) -> dict[str, Any]:
        """`values` and `labelExpr` of a Vega axis over places."""
        ticks = self.ticks(most)
        labels = json.dumps({str(round(1e6 * place)): text for place, text in ticks})
        look_up = f"{labels}['' + round(1e6 * datum.value)]"
        return {"values": [place for place, _ in ticks], "labelExpr": look_up}


def value_scale(dimensions: Sequence[Dimension], values: Iterable[Any]) -> ValueScale:
    """For the dimensions of one key, of several optimizers, and the values that were tried."""
    tried = list(values)
    choices = [choice for one in dimensions for choice in one.choices or ()]
    if not all(map(is_number, [*tried, *choices])):
        texts = dict.fromkeys(map(format_value, [*choices, *tried]))
        return ValueScale(dimensions[0].key, 0, 0, log=False, choices=tuple(texts))
    ends = [end for one in dimensions for end in (one.low, one.high) if end is not None]
    numbers = [float(number) for number in [*tried, *choices, *ends]]
    low, high = min(numbers), max(numbers)
    spread = low > 0 and high >= SPREAD * low
    log = low > 0 and all(
        one.kind in ("loguniform", "logspace") or (one.kind == "grid" and spread)
        for one in dimensions
    )
    only = tuple(sorted(set(map(float, choices)))) if not ends else ()
    return ValueScale(dimensions[0].key, low, high, log=log and low < high, numbers=only)


def objective_scale(problem: ProblemSearch, search: Search) -> ValueScale:
    """Of the objective, as the last axis: a loss on a log scale where that is possible."""
    values = [problem.at_worst(one) for one in search.told]
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    log = not problem.higher_is_better and 0 < low < high
    return ValueScale(problem.objective, low, high, log=log)


def name_of(key: str) -> str:
    """As an axis has it."""
    return "learning rate" if key == "lr" else safe_text(key)
