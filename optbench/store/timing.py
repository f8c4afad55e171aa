"""timing.csv: how long the training before each evaluation took."""

from __future__ import annotations

import csv
import math
from itertools import accumulate
from typing import TYPE_CHECKING

from optbench.errors import StoreError
from optbench.store.bounded import read_bounded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.store.metrics import Row

TIMING_LIMIT = 10_000_000  # bytes


def train_seconds(directory: Path, rows: Sequence[Row]) -> list[float]:
    """Seconds of training up to each of a run's rows; StoreError if missing, torn or of others."""
    path = directory / "timing.csv"
    try:
        records = list(csv.DictReader(read_bounded(path, TIMING_LIMIT).decode().splitlines()))
        steps = [int(record["steps"]) for record in records]
        seconds = [float(record["train_seconds"]) for record in records]
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise StoreError(f"{path}: damaged: not the seconds of each evaluation") from error
    if steps != [row["steps"] for row in rows] or not all(map(_is_time, seconds)):
        raise StoreError(f"{path}: damaged: its rows are not those of metrics.csv")
    return list(accumulate(seconds))


def _is_time(seconds: float) -> bool:
    return 0 <= seconds < math.inf
