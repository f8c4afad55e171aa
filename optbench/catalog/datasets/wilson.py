"""A least-squares problem that adaptive methods solve without having understood it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.generated import Generated, check_sizes
from optbench.catalog.datasets.task import Task
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


SHARED, OWN = 3, 5  # features; an example of class 1 has one of its own, of class −1 all five
POSITIVE = 0.6  # share of class 1 among those to train on


@dataclass(frozen=True)
class Wilson(Generated):
    """Targets y of ±1; the first feature is y, the next two are 1, the others each one example's.

    Source: Wilson et al. 2017, section 3.3. Among training examples three in five are +1, of test
    examples one half, so that who answers the same to all is right in half of them.
    """

    NAME: ClassVar[str] = "wilson-features"

    train_size: int
    test_size: int

    classes: ClassVar[int] = 1

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (SHARED + OWN * (self.train_size + self.test_size),)

    @property
    def task(self) -> Task:
        return Task(self.input_shape, 1, losses=("mse",), signs=True)

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        train = self._examples(self.train_size, round(POSITIVE * self.train_size), 0)
        test = self._examples(self.test_size, self.test_size // 2, self.train_size)
        return train, test

    def _examples(self, n: int, positive: int, before: int) -> Examples:
        """The first `positive` of `n` examples are +1; so many stand `before` them."""
        import numpy as np

        y = np.where(np.arange(n) < positive, 1, -1)
        inputs = np.zeros((n, *self.input_shape), np.float32)
        inputs[:, 0], inputs[:, 1:SHARED] = y, 1
        for row, sign in enumerate(y):
            first = SHARED + OWN * (before + row)
            inputs[row, first : first + (1 if sign > 0 else OWN)] = 1
        return Examples(inputs, y.astype(np.float32)[:, None])


def wilson_features(train: int = 100, test: int = 100) -> Wilson:
    """Raises UsageError for sizes that make no such data."""
    check_sizes(train, test, SHARED + OWN * (train + test), 0)
    if train < 5 or test % 2:
        raise UsageError(f"train must be at least 5 and test even, got {train} and {test}")
    return Wilson(train, test)
