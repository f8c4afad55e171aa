"""What is measured of a part of the data beside loss and accuracy: numbers by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from optbench.catalog import plugins
from optbench.catalog.metrics import METRICS
from optbench.config.metrics import metric_name
from optbench.errors import UsageError
from optbench.store.metrics import LARGEST
from optbench.training.functions import outputs_type, own_function
from optbench.training.named import blame
from optbench.training.seeding import global_state, global_stream, set_global_state
from optbench.training.trial import trial_batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from optbench.catalog.datasets.task import Task
    from optbench.config.spec import Setting


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

        What a metric draws comes from a stream of its own: training doesn't notice. Raises
        `UsageError` for what is no finite number, and whatever one's own code raises.
        """
        before = global_state(self.device)
        try:
            with global_stream(seed, "metrics"):
                given = outputs.to(outputs_type(self.setting))
                return {
                    name: _number(name, metric(given.clone(), targets.clone()))
                    for name, metric in self.metrics.items()
                }
        finally:
            set_global_state(before, self.device)


def check_metrics(setting: Setting, task: Task, device: torch.device) -> None:
    """Raises, at its line, where a metric of one's own gives no number.

    It is tried on outputs between 0 and 1, and targets like the data's in shape and range.
    """
    measures = Measures(setting, device)
    _, targets = trial_batch(setting, task, device)
    drawn = torch.rand(len(targets), *task.output_shape, generator=torch.Generator().manual_seed(1))
    outputs = drawn.to(device, outputs_type(setting))
    for index, (name, metric) in enumerate(measures.metrics.items()):
        with blame(setting, "training", name, "metrics", index), torch.no_grad():
            _as_number(metric(outputs.clone(), targets.clone()))


def _number(name: str, found: object) -> float:
    number = _as_number(found)
    if not abs(number) <= LARGEST:
        raise UsageError(f"the metric {name} gives {number}")
    if name.endswith("accuracy") and not 0 <= number <= 1:
        raise UsageError(f"the metric {name} gives {number}; an accuracy is between 0 and 1")
    return number


def _as_number(found: object) -> float:
    if isinstance(found, Tensor) and found.dim():
        raise UsageError(f"it must return one number, not numbers {list(found.shape)}")
    if isinstance(found, Tensor):
        found = found.item()
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise UsageError(f"it must return a number, not {found!r}")
    return float(found)
