"""The tutorials' data for the 2-4-1 network: random inputs and random targets, anew each epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.generated import Generated, check_sizes, check_whole
from optbench.catalog.datasets.task import Task

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from optbench.catalog.datasets.source import Stream

TRAIN, TEST = range(2)  # streams


@dataclass(frozen=True)
class RandomTargets(Generated):
    """Inputs `[features]` and soft targets `[1]`, all uniform in [0, 1) and independent.

    Nothing can be learned but to answer 1/2, with a binary cross-entropy of ln 2 = 0.6931 on
    examples that were not seen before; and each epoch has new ones.
    """

    NAME: ClassVar[str] = "random-targets"

    train_size: int
    test_size: int
    features: int
    data_seed: int

    classes: ClassVar[int] = 1

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.features,)

    @property
    def task(self) -> Task:
        losses = ("bce", "bce_with_logits", "mse")
        return Task(self.input_shape, self.classes, losses=losses, graded=False)

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        sizes = (TRAIN, self.train_size), (TEST, self.test_size)
        train, test = (self._draw(self.random(stream), n) for stream, n in sizes)
        return train, test

    def stream(self) -> Stream:
        return lambda random: self._draw(random, self.train_size)

    def _draw(self, random: np.random.RandomState, n: int) -> Examples:
        import numpy as np

        inputs = random.random_sample((n, self.features)).astype(np.float32)
        return Examples(inputs, random.random_sample((n, 1)).astype(np.float32))


def random_targets(
    train: int = 1000, test: int = 1000, features: int = 2, data_seed: int = 0
) -> RandomTargets:
    """Random inputs and targets; raises UsageError for values that make no data."""
    check_whole("features", 1, features)
    check_sizes(train, test, features, data_seed)
    return RandomTargets(train, test, features, data_seed)
