"""Right or wrong: what an output answers, and whether that is its target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from optbench.catalog.datasets.task import Task
    from optbench.config.spec import Setting


@dataclass(frozen=True)
class Grading:
    """`answer` makes of outputs `[…, *output_shape]` answers `[…, *target_shape]`.

    `each` is how many an example has: accuracy is the share of right ones among all.
    """

    answer: Callable[[Tensor], Tensor]
    each: int

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """How many answers of outputs `[runs, examples, …]` are their targets; `[runs]`."""
        return (self.answer(outputs) == targets).flatten(1).sum(1)

    def accuracy(self, correct: int, examples: int) -> float:
        return correct / (examples * self.each) if examples else math.nan


def grading(setting: Setting, task: Task) -> Grading | None:
    """How a setting's outputs are graded; None where accuracy has no meaning."""
    answer = _sign if task.signs else _ANSWERS.get(str(setting.loss["name"]))
    if setting.has_own_loss and not task.numbers:
        answer = _likeliest
    if answer is None or not task.graded:
        return None
    return Grading(answer, math.prod(task.target_shape))


def _likeliest(outputs: Tensor) -> Tensor:
    return outputs.argmax(-1)


def _from_probability(outputs: Tensor) -> Tensor:
    return (outputs > 0.5).to(outputs.dtype)


def _from_logit(outputs: Tensor) -> Tensor:
    return (outputs > 0).to(outputs.dtype)


def _sign(outputs: Tensor) -> Tensor:
    return outputs.sign()


_ANSWERS: dict[str, Callable[[Tensor], Tensor]] = {
    "cross_entropy": _likeliest,
    "bce": _from_probability,
    "bce_with_logits": _from_logit,
}
