"""What is asked of finished runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from optbench.analysis.metric import Metric, find_metric
from optbench.analysis.target import UNITS, Unit
from optbench.config.suggest import did_you_mean
from optbench.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

BYS = ("optimizer", "setting")


@dataclass(frozen=True)
class Question:
    """What settings are compared on, and with what; the options of `optbench compare`.

    `reference` names an optimizer or a setting; default plain SGD, else SGD with momentum, else
    Adam, else the first optimizer by name. `target` is in the metric's own unit (0.95, not 95);
    default the worst final value among the reference's completed seeds, and the time to it is told
    in `unit`. `where` leaves runs out: see `where.selected`. `margin`, in the metric's unit too, is
    within which two settings count as equivalent. `by` says what is judged: the best setting of
    each optimizer, or every setting. Raises UsageError for an unknown metric and for values that
    mean nothing.
    """

    metric: str = "test_accuracy"
    reference: str | None = None
    target: float | None = None
    where: tuple[str, ...] = ()
    margin: float | None = None
    by: str = "optimizer"
    unit: str = "steps"

    def __post_init__(self) -> None:
        _check_target(self.measured, self.target)
        _check_margin(self.measured, self.margin)
        _check_choice("by", self.by, BYS)
        _check_choice("unit", self.unit, UNITS)

    @property
    def judges_every_setting(self) -> bool:
        return self.by == "setting"

    @cached_property
    def time_unit(self) -> Unit:
        """The unit that `unit` names."""
        return next(unit for unit in UNITS if unit == self.unit)

    @cached_property
    def measured(self) -> Metric:
        """The metric that `metric` names."""
        return find_metric(self.metric)


def _check_target(metric: Metric, target: float | None) -> None:
    if target is None:
        return
    if not math.isfinite(target):
        raise ArgumentError("target", f"must be a finite number, got {target}")
    if metric.is_accuracy and not 0 <= target <= 1:
        hint = f"; did you mean {target / 100:g}?" if 1 < target <= 100 else ""
        told = f"of an accuracy must be between 0 and 1, got {target:g}{hint}"
        raise ArgumentError("target", told)


def _check_margin(metric: Metric, margin: float | None) -> None:
    if margin is None:
        return
    if not 0 < margin < math.inf:
        raise ArgumentError("margin", f"must be a finite number above 0, got {margin:g}")
    if metric.is_accuracy and margin >= 1:
        raise ArgumentError(
            "margin",
            f"of an accuracy must be below 1, got {margin:g}; "
            f"did you mean {margin / 100:g} ({margin:g} points)?",
        )


def _check_choice(argument: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        hint = did_you_mean(value, known)
        listed = f"must be one of {', '.join(known)}, got {value!r}"
        raise ArgumentError(argument, f"{listed}; {hint}" if hint else listed)
