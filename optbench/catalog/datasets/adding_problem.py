"""The adding problem: what has to be remembered over a long sequence.

Experiment 4 of Hochreiter and Schmidhuber 1997, in the form of Le, Jaitly and Hinton 2015
(arXiv:1504.00941, section 4.1) and Arjovsky, Shah and Bengio 2016 (arXiv:1511.06464, section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.generated import Generated, check_sizes, check_whole
from optbench.catalog.datasets.task import Task

if TYPE_CHECKING:
    from pathlib import Path

TRAIN, TEST = range(2)  # streams


@dataclass(frozen=True)
class AddingProblem(Generated):
    """Sequences `[2, length]`: numbers uniform in [0, 1), and marks, 1 at two places and else 0.

    One place is in the first half, one in the second. The target `[1]` is the sum of the marked
    numbers; who always answers 1 has a mean squared error of 1/6, the variance of such a sum.
    """

    NAME: ClassVar[str] = "adding-problem"

    train_size: int
    test_size: int
    length: int
    data_seed: int

    classes: ClassVar[int] = 1

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (2, self.length)

    @property
    def task(self) -> Task:
        return Task(self.input_shape, self.classes, losses=("mse",), graded=False)

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        return self._draw(TRAIN, self.train_size), self._draw(TEST, self.test_size)

    def _draw(self, stream: int, n: int) -> Examples:
        import numpy as np

        random, half = self.random(stream), self.length // 2
        inputs = np.zeros((n, *self.input_shape), np.float32)
        inputs[:, 0] = random.random_sample((n, self.length))
        for least, most in ((0, half), (half, self.length)):
            inputs[np.arange(n), 1, random.randint(least, most, n)] = 1
        return Examples(inputs, inputs.prod(axis=1).sum(axis=1, keepdims=True))


def adding_problem(
    train: int = 10_000, test: int = 1_000, length: int = 50, data_seed: int = 0
) -> AddingProblem:
    """The adding problem; raises UsageError for values that make no data."""
    check_whole("length", 2, length)
    check_sizes(train, test, 2 * length, data_seed)
    return AddingProblem(train, test, length, data_seed)
