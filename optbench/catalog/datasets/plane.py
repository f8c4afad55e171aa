"""Points of the plane in two classes that no straight line parts: for the smallest of networks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.generated import Generated, check_sizes
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

TRAIN, TEST = range(2)  # streams


@dataclass(frozen=True)
class Points(Generated):
    """Base of sets of points `[n, 2]`; classes differ by at most one in size."""

    train_size: int
    test_size: int
    data_seed: int

    classes: ClassVar[int] = 2
    input_shape: ClassVar[tuple[int, ...]] = (2,)

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        return self._draw(TRAIN, self.train_size), self._draw(TEST, self.test_size)

    def _draw(self, stream: int, n: int) -> Examples:
        import numpy as np

        random = self.random(stream)
        targets = random.permutation(np.arange(n, dtype=np.int64) % self.classes)
        return Examples(self.place(targets, random).astype(np.float32), targets)

    def place(
        self, targets: NDArray[np.int64], random: np.random.RandomState
    ) -> NDArray[np.float64]:
        """A point of each class asked for."""
        raise NotImplementedError


@dataclass(frozen=True)
class Xor(Points):
    """Uniform in the unit square; class 1 where exactly one coordinate is above one half.

    The rule that Minsky and Papert (1969) showed to be beyond a single layer.
    """

    NAME: ClassVar[str] = "xor"

    def place(
        self, targets: NDArray[np.int64], random: np.random.RandomState
    ) -> NDArray[np.float64]:
        import numpy as np

        first = random.randint(0, 2, len(targets))
        halves = np.stack([first, first ^ targets], axis=1)
        points: NDArray[np.float64] = (halves + random.random_sample(halves.shape)) / 2
        return points


@dataclass(frozen=True)
class Spirals(Points):
    """Two spirals from the origin to radius 1, half a circle apart (Lang and Witbrock 1988).

    Each makes `turns` turns, so that neighbouring arms are 1/(2·`turns`) apart; `noise` is the
    standard deviation of what is added to both coordinates.
    """

    turns: float
    noise: float

    NAME: ClassVar[str] = "spirals"

    def place(
        self, targets: NDArray[np.int64], random: np.random.RandomState
    ) -> NDArray[np.float64]:
        import numpy as np

        radius = np.sqrt(random.random_sample(len(targets)))  # as dense outside as inside
        angle = 2 * math.pi * self.turns * radius + math.pi * targets
        exact = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        points: NDArray[np.float64] = exact + self.noise * random.standard_normal(exact.shape)
        return points


def xor(train: int = 1000, test: int = 200, data_seed: int = 0) -> Xor:
    """Raises UsageError for values that make no data, as the two below do."""
    check_sizes(train, test, 2, data_seed)
    return Xor(train, test, data_seed)


def spirals(
    train: int = 1000,
    test: int = 200,
    turns: float = 1.5,
    noise: float = 0.02,
    data_seed: int = 0,
) -> Spirals:
    """Two spirals of so many turns."""
    check_sizes(train, test, 2, data_seed)
    for name, value in (("turns", turns), ("noise", noise)):
        if not 0 <= value < math.inf:
            raise UsageError(f"{name} must be a finite number, at least 0, got {value}")
    return Spirals(train, test, data_seed, float(turns), float(noise))
