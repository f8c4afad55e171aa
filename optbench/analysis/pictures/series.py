"""What is told apart in a picture: an optimizer by its colour, its settings by the rest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.analysis.rows import SettingRow


@dataclass(frozen=True)
class Series:
    """One line of a legend: its label, the optimizer it belongs to, and its place among those.

    `family` has SGD with momentum and Adam with amsgrad as optimizers of their own. `nth` counts
    from 0 among the series of one family in one picture.
    """

    label: str
    family: str
    nth: int


def family(row: SettingRow) -> str:
    """The optimizer that a row's colour belongs to."""
    return Setting(row.key, row.runs).family


def numbered(named: Iterable[tuple[str, str]]) -> list[Series]:
    """Series from labels and their families, in order."""
    seen: Counter[str] = Counter()
    series = []
    for label, kin in named:
        series.append(Series(label, kin, seen[kin]))
        seen[kin] += 1
    return series


def series_of(rows: Sequence[SettingRow]) -> list[Series]:
    """One series a row, in order."""
    return numbered((row.label, family(row)) for row in rows)
