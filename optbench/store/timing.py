"""timing.csv: how long the training before each evaluation took."""

from __future__ import annotations

import csv
import hashlib
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


def train_seconds(directory: Path, rows: Sequence[Row], digest: str | None = None) -> list[float]:
    """Seconds of training up to each of a run's rows.

    Raises StoreError where the file is missing, torn, of other rows, or has another SHA-256 than
    `digest`, if there is one.
    """
    path = directory / "timing.csv"
    content = read_bounded(path, TIMING_LIMIT)
    if digest and hashlib.sha256(content).hexdigest() != digest:
        raise StoreError(f"{path}: damaged: its SHA-256 is not the one in result.json")
    try:
        records = list(csv.DictReader(content.decode().splitlines()))
        steps = [int(record["steps"]) for record in records]
        seconds = [float(record["train_seconds"]) for record in records]
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise StoreError(f"{path}: damaged: not the seconds of each evaluation") from error
    if steps != [row["steps"] for row in rows] or not all(map(_is_time, seconds)):
        raise StoreError(f"{path}: damaged: its rows are not those of metrics.csv")
    return list(accumulate(seconds))


def _is_time(seconds: float) -> bool:
    return 0 <= seconds < math.inf
