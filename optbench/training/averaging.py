"""Averages of a run's weights along its training, as torch.optim.swa_utils computes them.

EMA: v ← decay · v + (1 − decay) · θ after each step, of floating-point buffers too. SWA (Izmailov
et al. 2018, algorithm 1): the mean of θ at the ends of epochs, from a share of the run on; batch
normalization's statistics are found anew for it. The first θ is taken as it is.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn, get_swa_multi_avg_fn, update_bn

from optbench.training.batches import inputs_of_epoch
from optbench.training.seeding import derive, generators_given_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from optbench.training.learner import Learner


class Average:
    """The average of a learner's trained parameters, and of its buffers what suits that.

    `values` are empty until averaging begins; `count` is how many weights were averaged.
    """

    def __init__(self, learner: Learner, how: Mapping[str, Any]) -> None:
        self.learner = learner
        self.start = learner.run.setting.averaging_start  # None: every step
        self.mix = _mixing(how)
        self.count = 0
        self.values: list[Tensor] = []

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights that the model has after a step."""
        if not self._is_due():
            return
        current = self._current()
        if not self.values:
            self.values = [tensor.detach().clone() for tensor in current]
        mixed = [self._is_mixed(index, tensor) for index, tensor in enumerate(current)]
        pairs = list(zip(self.values, current, mixed, strict=True))
        if self.count:
            self.mix([v for v, _, m in pairs if m], [c for _, c, m in pairs if m], self.count)
        _copy([v for v, _, m in pairs if not m], [c for _, c, m in pairs if not m])
        self.count += 1
        if self.start is not None:
            self._normalize_anew()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the model has the average for its weights, once there is one."""
        if not self.values:
            yield
            return
        current = self._current()
        own = [tensor.detach().clone() for tensor in current]
        _copy(current, self.values)
        try:
            yield
        finally:
            _copy(current, own)

    def state(self) -> dict[str, Any]:
        return {"count": self.count, "values": self.values}

    def restore(self, state: Mapping[str, Any]) -> None:
        device = self.learner.data.device
        self.count, self.values = state["count"], [value.to(device) for value in state["values"]]

    def _is_due(self) -> bool:
        if self.start is None:
            return True
        steps, each = self.learner.steps, self.learner.epoch_steps
        total = self.learner.run.setting.epochs * each
        return steps % each == 0 and steps / total >= self.start

    def _current(self) -> list[Tensor]:
        return [*self.learner.parameters, *self.learner.model.buffers()]

    def _is_mixed(self, index: int, tensor: Tensor) -> bool:
        """Whether a tensor is averaged; others, counters and what SWA finds anew, are copied."""
        is_parameter = index < len(self.learner.parameters)
        return is_parameter or (self.start is None and tensor.is_floating_point())

    def _normalize_anew(self) -> None:
        """Running statistics of the averaged weights, on the epoch's batches as they were.

        What the pass draws comes from a stream of its own: training doesn't notice.
        """
        learner, epoch = self.learner, self.learner.steps // self.learner.epoch_steps - 1
        with generators_given_back(learner.data.device), self.in_place():
            torch.manual_seed(derive(learner.run.seed, "average", epoch))
            update_bn(inputs_of_epoch(learner, epoch), learner.model)
            buffers = list(learner.model.buffers())
            _copy(self.values[len(learner.parameters) :], buffers)


def _mixing(how: Mapping[str, Any]) -> Callable[[list[Tensor], list[Tensor], int], None]:
    """In place, of averages and as many weights so far."""
    found: Callable[[list[Tensor], list[Tensor], int], None] = (
        get_swa_multi_avg_fn()  # type: ignore[no-untyped-call]
        if how["name"] == "swa"
        else get_ema_multi_avg_fn(how["decay"])  # type: ignore[no-untyped-call]
    )
    return found


@torch.no_grad()
def _copy(into: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for tensor, value in zip(into, values, strict=True):
        tensor.copy_(value)
