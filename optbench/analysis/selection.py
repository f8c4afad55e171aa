"""The best setting of each optimizer, chosen on validation and never on test."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from optbench.analysis.target import final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.analysis.setting import Setting


def criterion(settings: Sequence[Setting]) -> str:
    """The column that selects: `val_loss` where a validation part was held out, else train loss."""
    completed = (run for setting in settings for run in setting.completed)
    held_out = any(final(run, "val_loss") is not None for run in completed)
    return "val_loss" if held_out else "train_loss"


def ranked(settings: Sequence[Setting], column: str) -> list[Setting]:
    """From best to worst mean final value.

    A setting that diverged at any seed stands behind all that did not, whatever its
    survivors show; then those without a finite mean. Ties keep their order.
    """
    return sorted(settings, key=lambda setting: _badness(setting, column))


def leaders(ranking: Sequence[Setting]) -> list[Setting]:
    """The first of each family in a ranking, in its order."""
    first: dict[str, Setting] = {}
    for setting in ranking:
        first.setdefault(setting.family, setting)
    return list(first.values())


def _badness(setting: Setting, column: str) -> tuple[bool, bool, float]:
    values = [final(run, column) for run in setting.completed]
    known = [value for value in values if value is not None]
    finite = bool(known) and all(map(math.isfinite, known))  # nan is less than nothing, and more
    return bool(setting.diverged), not finite, statistics.fmean(known) if finite else math.inf
