"""Points of the plane in two classes that no straight line parts: for the smallest of networks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.generated import Generated, check_sizes
from optbench.catalog.datasets.task import Task
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

TRAIN, TEST = range(2)  # streams
CLASSES = 2
KINDS = ("classes", "numbers")  # of targets


@dataclass(frozen=True)
class Points(Generated):
    """Base of sets of points `[n, 2]`; the two classes differ by at most one in size.

    `numbers`: they are told as the numbers 0 and 1, for a single probability as output.
    """

    train_size: int
    test_size: int
    data_seed: int
    numbers: bool

    input_shape: ClassVar[tuple[int, ...]] = (2,)

    @property
    def classes(self) -> int:
        return 1 if self.numbers else CLASSES

    @property
    def task(self) -> Task:
        losses = ("bce", "bce_with_logits") if self.numbers else ("cross_entropy",)
        return Task(self.input_shape, self.classes, losses=losses)

    def parameters(self) -> list[object]:
        """Without `numbers` where they are none, as before there were any."""
        told = vars(self).items()
        return [value for name, value in told if name != "numbers" or self.numbers]

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        return self._draw(TRAIN, self.train_size), self._draw(TEST, self.test_size)

    def _draw(self, stream: int, n: int) -> Examples:
        import numpy as np

        random = self.random(stream)
        targets = random.permutation(np.arange(n, dtype=np.int64) % CLASSES)
        points = self.place(targets, random).astype(np.float32)
        if self.numbers:
            return Examples(points, targets.astype(np.float32)[:, None])
        return Examples(points, targets)

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


def xor(
    train: int = 1000,
    test: int = 200,
    data_seed: int = 0,
    targets: Literal["classes", "numbers"] | None = None,
) -> Xor:
    """Raises UsageError for values that make no data, as the one below does."""
    check_sizes(train, test, 2, data_seed)
    return Xor(train, test, data_seed, _are_numbers(targets))


def spirals(
    train: int = 1000,
    test: int = 200,
    turns: float = 1.5,
    noise: float = 0.02,
    data_seed: int = 0,
    targets: Literal["classes", "numbers"] | None = None,
) -> Spirals:
    """Two spirals of so many turns."""
    check_sizes(train, test, 2, data_seed)
    for name, value in (("turns", turns), ("noise", noise)):
        if not 0 <= value < math.inf:
            raise UsageError(f"{name} must be a finite number, at least 0, got {value}")
    numbers = _are_numbers(targets)
    return Spirals(train, test, data_seed, numbers, float(turns), float(noise))


def _are_numbers(targets: str | None) -> bool:
    if targets is not None and targets not in KINDS:
        raise UsageError(f"targets must be {' or '.join(KINDS)}, got {targets}")
    return targets == "numbers"
