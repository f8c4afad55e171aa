"""Whether the best of a search lies at the end of a range, and the range made wider there."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from optbench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optbench.catalog.search import Searched
    from optbench.store.tuning import Dimension

MARGIN = 0.05  # of a range's length, on its own scale: nearer to an end is at it, if not beyond
STEPS = (0.5, 0.25, 0.125, 0.0625)  # of the length: how far an end moves, the first that is legal
_DIGITS = 6


@dataclass(frozen=True)
class Edge:
    """The best value of a dimension is at an end; `wider` is None where no step is legal."""

    label: str
    dimension: Dimension
    value: Any
    end: Literal["lower", "upper"]
    wider: Dimension | None


def find_edges(
    searched: Searched, best: Mapping[str, Any], tried: Sequence[Mapping[str, Any]]
) -> tuple[Edge, ...]:
    """The dimensions at whose end the best values lie, with no trial further out.

    Few trials lie far apart: nearer to an end than 1/(n + 1) of the range is then at it. An end
    beyond which the optimizer takes nothing is no edge: there is nowhere else to look.
    """
    margin = max(MARGIN, 1 / (len(tried) + 1))
    found = (
        _edge(searched, one, best[one.key], [values[one.key] for values in tried], margin)
        for one in searched.dimensions
    )
    return tuple(edge for edge in found if edge is not None)


def widened(searched: Searched, edges: tuple[Edge, ...]) -> Searched:
    """The optimizer with every edge that can move further out."""
    wider = {edge.dimension.key: edge.wider for edge in edges if edge.wider is not None}
    if not wider:
        return searched
    return searched.widened([wider.get(one.key, one) for one in searched.dimensions])


def _edge(
    searched: Searched, dimension: Dimension, value: Any, tried: Sequence[Any], margin: float
) -> Edge | None:
    place = _place(dimension, value)
    if place is None:
        return None
    places = [found for one in tried if (found := _place(dimension, one)) is not None]
    upper = place > 1 - margin and place == max(places)
    if not upper and not (place < margin and place == min(places)):
        return None
    if dimension.is_range and not _is_legal(searched, _moved(dimension, 0.01, upper=upper)):
        return None
    steps = (_moved(dimension, step, upper=upper) for step in STEPS if dimension.is_range)
    wider = next((one for one in steps if _is_legal(searched, one)), None)
    return Edge(searched.label, dimension, value, "upper" if upper else "lower", wider)


def _place(dimension: Dimension, value: Any) -> float | None:
    """Where a number lies between the ends, from 0 to 1; None where there are none."""
    low, high = dimension.low, dimension.high
    if dimension.choices is not None:
        numbers = [one for one in dimension.choices if _is_number(one)]
        if len(numbers) < 3 or len(numbers) < len(dimension.choices):
            return None
        return (sorted(numbers).index(value)) / (len(numbers) - 1)
    if low is None or high is None:
        return None
    if dimension.kind == "loguniform":
        low, high, value = math.log(low), math.log(high), math.log(value)
    return float((value - low) / (high - low)) if low < high else None


def _moved(dimension: Dimension, share: float, *, upper: bool) -> Dimension:
    """The dimension with one end further out, by a share of its length."""
    low, high = float(dimension.low or 0), float(dimension.high or 0)
    if dimension.kind == "loguniform":
        factor = (high / low) ** share
        low, high = (low, high * factor) if upper else (low / factor, high)
    else:
        step = (high - low) * share
        if dimension.kind == "integer":
            step = max(round(step), 1)
        low, high = (low, high + step) if upper else (low - step, high)
    if dimension.kind == "integer":
        return dataclasses.replace(dimension, low=int(low), high=int(high))
    return dataclasses.replace(dimension, low=_rounded(low), high=_rounded(high))


def _is_legal(searched: Searched, dimension: Dimension) -> bool:
    if not (dimension.low or 0) < (dimension.high or 0):  # ends that are the same in six digits
        return False
    others = [dimension if one.key == dimension.key else one for one in searched.dimensions]
    try:
        searched.widened(others)
    except ConfigError:
        return False
    return True


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
