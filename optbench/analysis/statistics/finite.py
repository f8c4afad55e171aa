"""What formulas for finite numbers refuse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def refuse_infinite(values: Sequence[float]) -> None:
    """ValueError unless there are values and all are finite: diverged pairs have a sign test."""
    if not values:
        raise ValueError("needs at least one value")
    odd = next((value for value in values if not math.isfinite(value)), None)
    if odd is not None:
        raise ValueError(f"needs finite values, got {odd}")
