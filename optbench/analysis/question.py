"""What is asked of finished runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from optbench.analysis.metric import Metric, find_metric
from optbench.errors import UsageError


@dataclass(frozen=True)
class Question:
    """What settings are compared on, and with what; the options of `optbench compare`.

    `reference` names an optimizer or a setting; default plain SGD, else SGD with momentum, else
    Adam, else the first optimizer by name. `target` is in the metric's own unit (0.95, not 95);
    default the worst final value among the reference's completed seeds. Raises UsageError for
    an unknown metric and a target that no run can reach.
    """

    metric: str = "test_accuracy"
    reference: str | None = None
    target: float | None = None

    def __post_init__(self) -> None:
        _check_target(self.measured, self.target)

    @cached_property
    def measured(self) -> Metric:
        """The metric that `metric` names."""
        return find_metric(self.metric)


def _check_target(metric: Metric, target: float | None) -> None:
    if target is None:
        return
    if not math.isfinite(target):
        raise UsageError(f"target must be a finite number, got {target}")
    if metric.is_accuracy and not 0 <= target <= 1:
        hint = f"; did you mean {target / 100:g}?" if 1 < target <= 100 else ""
        raise UsageError(f"target of an accuracy must be between 0 and 1, got {target:g}{hint}")
