"""What is measured of a part of the data beside loss and accuracy: numbers by name."""

from __future__ import annotations

import math
import reprlib
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from optbench.catalog import plugins
from optbench.catalog.metrics import METRICS
from optbench.config.metrics import metric_name
from optbench.errors import UsageError
from optbench.store.metrics import LARGEST
from optbench.training.functions import outputs_type, own_function, repeated
from optbench.training.named import blame
from optbench.training.seeding import generators_given_back, global_stream
from optbench.training.trial import trial_batch, trial_outputs, trial_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optbench.catalog.datasets.task import Task
    from optbench.config.spec import Setting

MOST_TRIED = 1_000  # examples, and
MOST_NUMBERS = 2**23  # outputs in all, on which a metric is tried


class Measures:
    """The metrics of a setting, by name; each of all outputs and targets, to a number."""

    def __init__(self, setting: Setting, device: torch.device) -> None:
        self.setting, self.device = setting, device
        self.metrics: dict[str, Callable[[Tensor, Tensor], Any]] = {}
        for index, named in enumerate(setting.metrics):
            target, name = str(named["name"]), metric_name(named)
            if target in METRICS:
                self.metrics[name] = plugins.load(METRICS[target].target)
                continue
            with blame(setting, "training", name, "metrics", index):
                self.metrics[name] = own_function(setting, named, device)

    def __bool__(self) -> bool:
        return bool(self.metrics)

    @torch.no_grad()
    def measure(self, outputs: Tensor, targets: Tensor, seed: int) -> dict[str, float]:
        """The numbers of outputs `[n, *output_shape]` and targets `[n, *target_shape]`, by name.

        What a metric draws comes from a stream of its own: training doesn't notice. It may be nan
        of outputs that it has no value of: a network that has learnt little may never answer with
        some class. Raises `UsageError` where it is nan whatever the outputs, or infinite, and
        whatever one's own code raises.
        """
        with generators_given_back(self.device), global_stream(seed, "metrics"):
            given = outputs.to(outputs_type(self.setting))
            found = {
                name: _number(name, metric(given.clone(), targets.clone()))
                for name, metric in self.metrics.items()
            }
            self._check_defined(found, targets, given)
            return found

    def _check_defined(self, found: Mapping[str, float], targets: Tensor, outputs: Tensor) -> None:
        """Raises where a metric that is nan would be so of other outputs too."""
        for name in [name for name, number in found.items() if math.isnan(number)]:
            others = trial_outputs(outputs.shape, outputs.device, outputs.dtype)
            if math.isnan(_number(name, self.metrics[name](others, targets.clone()))):
                raise UsageError(f"the metric {name} gives nan, whatever the outputs")


def check_metrics(setting: Setting, task: Task, device: torch.device) -> None:
    """Raises, at its line, where a metric of one's own gives no number.

    It is tried on outputs between 0 and 1, and targets like the data's in shape and range: on
    eight, and where that gives nan, on so many that every class is among them.
    """
    measures = Measures(setting, device)
    _, few = trial_batch(setting, task, device)
    size = math.prod(task.output_shape)
    many = trial_targets(task, max(min(MOST_TRIED, MOST_NUMBERS // size), len(few)), device)
    for index, (name, metric) in enumerate(measures.metrics.items()):
        with blame(setting, "training", name, "metrics", index), torch.no_grad():
            for targets in (few, many):
                shape, dtype = (len(targets), *task.output_shape), outputs_type(setting)
                outputs = trial_outputs(shape, device, dtype)
                tried = partial(_tried, metric, outputs, targets)
                if math.isfinite(number := repeated(tried, device)):
                    break
            else:
                raise UsageError(
                    f"it gives {number} of {len(many):,} drawn outputs and targets; where it has "
                    "no value, let it return a number"
                )


def _tried(metric: Callable[[Tensor, Tensor], Any], outputs: Tensor, targets: Tensor) -> float:
    return _as_number(metric(outputs.clone(), targets.clone()))


def _number(name: str, found: object) -> float:
    number = _as_number(found)
    if abs(number) > LARGEST:
        raise UsageError(f"the metric {name} gives {number}")
    if name.endswith("accuracy") and not 0 <= number <= 1 and not math.isnan(number):
        raise UsageError(f"the metric {name} gives {number}; an accuracy is between 0 and 1")
    return number


def _as_number(found: object) -> float:
    if isinstance(found, Tensor) and found.dim():
        raise UsageError(f"it must return one number, not numbers {list(found.shape)}")
    if isinstance(found, Tensor):
        found = found.item()
    if isinstance(found, bool) or not isinstance(found, Real):  # numpy's are such too
        raise UsageError(f"it must return a number, not {reprlib.repr(found)}")
    return float(found)
