"""What several problems say together about the time to their targets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optbench.analysis.statistics.aggregate import geometric_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.analysis.comparison import ProblemComparison
    from optbench.analysis.rows import SettingRow


def mean_speedups(problems: Sequence[ProblemComparison]) -> dict[str, float]:
    """Name → geometric mean of its speedups, of what leads in each of several problems.

    Empty for one problem, and where the problems' references are not of one name; without those
    whose mean is 0, infinite or neither.
    """
    references = {problem.reference.name for problem in problems if problem.reference}
    if len(problems) < 2 or len(references) != 1:
        return {}
    found = {
        name: geometric_mean([row.speedup.ratio for row in rows if row.speedup])
        for name, rows in _in_all(problems).items()
        if all(row.speedup for row in rows)
    }
    return {name: mean for name, mean in found.items() if mean and math.isfinite(mean)}


def _in_all(problems: Sequence[ProblemComparison]) -> dict[str, list[SettingRow]]:
    """Name → its leading row in each problem, of those that have one in every problem."""
    leading = [{row.name: row for row in problem.rows if row.leads} for problem in problems]
    shared = [name for name in leading[0] if all(name in rows for rows in leading)]
    return {name: [rows[name] for rows in leading] for name in shared}
