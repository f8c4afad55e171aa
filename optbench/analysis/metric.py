"""The quantities that runs are compared on, and which direction is better."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.catalog.metrics import METRICS as NAMED
from optbench.config.claims import MEASURES
from optbench.config.metrics import EVALUATED, QUANTITIES, metric_columns
from optbench.config.suggest import did_you_mean_metric
from optbench.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

SPLITS = ("train", "val", "test")
METRICS = tuple(f"{split}_{quantity}" for quantity in QUANTITIES for split in SPLITS)
COMPARABLE = (*METRICS, *MEASURES)  # the latter where a problem has them
SMALL = ("_loss", "_error")  # what names of columns end in that are to be small
_ASKED_FOR = re.compile(rf"({'|'.join(EVALUATED)})_[^\W\d]\w*")  # by `metrics` of an experiment


@dataclass(frozen=True)
class Metric:
    """A column of metrics.csv that settings are compared on.

    Higher is better of accuracies, and of what an experiment has measured besides, unless its name
    ends in `SMALL`; else lower is.
    """

    name: str

    @property
    def is_accuracy(self) -> bool:
        return self.name.endswith("_accuracy")

    @property
    def higher_is_better(self) -> bool:
        return self.is_accuracy or (self.is_asked_for and not self.name.endswith(SMALL))

    @property
    def is_asked_for(self) -> bool:
        """Whether it is no column that every run, or every landscape, has."""
        return self.name not in COMPARABLE

    @property
    def split(self) -> str:
        return self.name.partition("_")[0]

    def reaches(self, value: float, target: float) -> bool:
        return value >= target if self.higher_is_better else value <= target


def find_metric(name: str) -> Metric:
    """The metric of that name; UsageError with the nearest one for any other.

    Whether any run has a column that an experiment asks for is known once runs are read.
    """
    if name in COMPARABLE or _ASKED_FOR.fullmatch(name):
        return Metric(name)
    hint = did_you_mean_metric(name, (*METRICS, *metric_columns(NAMED)))
    if not hint and name.isidentifier():
        hint = f"what `metrics` of an experiment asks for is called test_{name} or val_{name}"
    listed = f"must be one of {', '.join(METRICS)}, got {name!r}"
    raise ArgumentError("metric", f"{listed}; {hint}" if hint else listed)


def comparable(columns: Iterable[str]) -> list[str]:
    """Of columns of metrics.csv those to compare settings on, the usual ones first."""
    found = list(columns)
    others = [name for name in found if name not in COMPARABLE and _ASKED_FOR.fullmatch(name)]
    return [name for name in (*COMPARABLE, *others) if name in found]
