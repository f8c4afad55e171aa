"""The cells that say how far each setting is from the reference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from optbench.report import numbers, words
from optbench.report.table import Cell
from optbench.report.verdicts import judged, word

if TYPE_CHECKING:
    from optbench.analysis.comparison import ProblemComparison
    from optbench.analysis.interval import Estimate
    from optbench.analysis.rows import Difference, SettingRow

NOT_PAIRED, MEDIAN = "†", "‡"


def verdict_cell(row: SettingRow) -> Cell:
    """The verdict in a word, coloured where it is decided."""
    verdict = judged(row)
    if verdict is None:
        return Cell("")
    decided = verdict.decision in ("better", "worse")
    short = verdict.decision if decided else None
    return Cell(
        word(verdict),
        short=short,
        alarming=verdict.decision == "worse",
        pleasing=verdict.decision == "better",
    )


def shown_estimate(row: SettingRow) -> Estimate | None:
    """What the verdict was taken on; of rows without one the plain mean, which is not judged."""
    verdict = judged(row)
    if verdict is not None and not math.isnan(verdict.interval.mean):
        certain = math.isinf(verdict.interval.mean)  # most pairs diverged: no end tells more
        return verdict.interval.without_interval if certain else verdict.interval
    if row.difference is None:
        return None
    return row.difference.estimate.without_interval


def is_unpaired(row: SettingRow) -> bool:
    """Whether what the cell shows is a difference of two means; survivors of pairs are not."""
    verdict = judged(row)
    if verdict is not None:
        return verdict.test == "welch"
    return row.difference is not None and not row.difference.paired


@dataclass(frozen=True)
class DifferenceCells:
    """Makes the last column of one problem's table, its cells with the same decimals."""

    problem: ProblemComparison

    def cell(self, row: SettingRow) -> Cell:
        if row.is_reference:
            return Cell("reference")
        estimate = shown_estimate(row)
        if estimate is None:
            return Cell(numbers.DASH)
        verdict = judged(row)
        if verdict is not None and verdict.ratio is not None:
            return ratio_cell(verdict.ratio, self._mark(row))
        metric = self.problem.metric
        number = words.signed_distance(metric, estimate, self._decimals)
        interval = words.bounds(metric, estimate, self._decimals)
        rest = [part for part in (interval or self._basis(row.difference), self._mark(row)) if part]
        if not metric.is_accuracy or self._has_interval or math.isinf(estimate.mean):
            return Cell(" ".join([number, *rest]))
        return Cell(" ".join([number, "points", *rest]), short=" ".join([number, "pts", *rest]))

    def _mark(self, row: SettingRow) -> str:
        """† where the seeds are not paired, ‡ where a diverged one made it a median."""
        if is_unpaired(row):
            return NOT_PAIRED
        verdict = judged(row)
        return MEDIAN if verdict is not None and verdict.test == "sign" else ""

    def _basis(self, difference: Difference | None) -> str:
        """What a number without an interval rests on, where that differs from row to row."""
        if difference is None or self.problem.one_seed_each:
            return ""
        if difference.is_single:
            return f"({single_basis(difference)})"
        return "(survivors)" if difference.survivors_only else ""

    @cached_property
    def _estimates(self) -> list[Estimate]:
        return [found for row in self.problem.rows if (found := shown_estimate(row))]

    @cached_property
    def _decimals(self) -> int:
        return words.difference_decimals(self.problem.metric, self._estimates)

    @cached_property
    def _has_interval(self) -> bool:
        """Whether a footnote says that the column is in points."""
        return any(estimate.low is not None for estimate in self._estimates)


def single_basis(difference: Difference) -> str:
    """What a difference without an interval rests on."""
    return "one pair" if difference.paired else "one seed"


def ratio_cell(ratio: Estimate, mark: str) -> Cell:
    """`×0.12 [0.08, 0.18]`: losses that were compared as ratios."""
    parts = [f"×{numbers.ratio(ratio.mean)}"]
    if ratio.low is not None and ratio.high is not None:
        parts.append(f"[{numbers.ratio(ratio.low)}, {numbers.ratio(ratio.high)}]")
    return Cell(" ".join([*parts, mark]).rstrip())
