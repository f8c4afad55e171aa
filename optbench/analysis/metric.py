"""The quantities that runs are compared on, and which direction is better."""

from __future__ import annotations

from dataclasses import dataclass

from optbench.config.claims import MEASURES
from optbench.config.suggest import did_you_mean_metric
from optbench.errors import UsageError

SPLITS = ("train", "val", "test")
QUANTITIES = ("accuracy", "loss")
METRICS = tuple(f"{split}_{quantity}" for quantity in QUANTITIES for split in SPLITS)
COMPARABLE = (*METRICS, *MEASURES)  # the latter where a problem has them


@dataclass(frozen=True)
class Metric:
    """A column of metrics.csv that settings are compared on; lower is better but for accuracies."""

    name: str

    @property
    def is_accuracy(self) -> bool:
        return self.name.endswith("_accuracy")

    @property
    def higher_is_better(self) -> bool:
        return self.is_accuracy

    @property
    def split(self) -> str:
        return self.name.partition("_")[0]

    def reaches(self, value: float, target: float) -> bool:
        return value >= target if self.higher_is_better else value <= target


def find_metric(name: str) -> Metric:
    """The metric of that name; UsageError with the nearest one for any other."""
    if name in COMPARABLE:
        return Metric(name)
    hint = did_you_mean_metric(name, METRICS)
    listed = f"metric must be one of {', '.join(METRICS)}, got {name!r}"
    raise UsageError(f"{listed}; {hint}" if hint else listed)
