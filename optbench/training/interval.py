"""What a run goes through from one row of metrics.csv to the next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optbench.training.evaluation import Score, total_norm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor
    from torch.optim import Optimizer

    from optbench.training.grading import Grading


class Interval:
    """Sums over the examples trained on since the last row, in the order of their steps.

    `anchor` has the parameters as they were at that row. `grad_norm` and `lrs` are those of the
    last step that was measured, `lrs` one a parameter group that has one.
    """

    def __init__(self, parameters: Sequence[Tensor], optimizer: Optimizer) -> None:
        self.parameters, self.optimizer = parameters, optimizer
        self.grad_norm: float | None = None
        self.measure_rates()
        self.begin()

    def begin(self) -> None:
        """Begin anew, where the parameters are now."""
        self.loss, self.correct, self.examples = 0.0, 0, 0
        self.anchor = self._copies()

    def add(self, losses: Sequence[float], sizes: Sequence[int], correct: int) -> None:
        """Take in the mean losses of some batches of these sizes, one after the other."""
        for loss, size in zip(losses, sizes, strict=True):
            self.loss += loss * size
        self.correct += correct
        self.examples += sum(sizes)

    def measure_gradients(self) -> None:
        """Take the norm of the gradients that the parameters hold."""
        self.grad_norm = total_norm(p.grad for p in self.parameters if p.grad is not None)

    def measure_rates(self) -> None:
        """Take the learning rates that the optimizer has."""
        self.lrs = [float(group["lr"]) for group in self.optimizer.param_groups if "lr" in group]

    def means(self, grading: Grading | None) -> Score:
        """Mean loss and accuracy; nan before the first example."""
        loss = self.loss / self.examples if self.examples else math.nan
        if grading is None:
            return Score(loss, None)
        return Score(loss, grading.accuracy(self.correct, self.examples))

    def update_norm(self) -> float:
        """How far the parameters have moved."""
        pairs = zip(self.parameters, self.anchor, strict=True)
        return total_norm(parameter.detach() - before for parameter, before in pairs)

    def state(self) -> dict[str, Any]:
        """What has to be restored to go on from here to the same bits."""
        return {
            "interval": [self.loss, self.correct, self.examples],
            "anchor": self.anchor if self.examples else None,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave; the parameters have been restored before."""
        self.loss, self.correct, self.examples = state["interval"]
        pairs = zip(state["anchor"] or self._copies(), self.parameters, strict=True)
        self.anchor = [before.to(parameter.device) for before, parameter in pairs]

    def _copies(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.parameters]
