"""Coloured geometric shapes: small colour images that need no download."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.generated import Generated, check_sizes
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Mask = NDArray[np.bool_]

TRAIN, TEST = range(2)  # streams
SIZE = 32  # pixels
RADIUS = (7.0, 13.0)  # of the circle around a shape, least and most, in pixels
CHUNK = 1024  # images drawn together, so that memory stays small


@dataclass(frozen=True)
class Shapes(Generated):
    """Images `[3, 32, 32]` of one shape each, turned, scaled and moved at random.

    A shape is of a bright colour (red, green and blue from ½ to 1) on a dark one, both unrelated
    to its class, and each value gets normal noise of the standard deviation `noise`. Classes
    differ by at most one in size.
    """

    NAME: ClassVar[str] = "shapes"
    classes: ClassVar[int] = 10
    input_shape: ClassVar[tuple[int, ...]] = (3, SIZE, SIZE)

    train_size: int
    test_size: int
    noise: float
    data_seed: int

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        return self._draw(TRAIN, self.train_size), self._draw(TEST, self.test_size)

    def _draw(self, stream: int, n: int) -> Examples:
        import numpy as np

        random = self.random(stream)
        targets = random.permutation(np.arange(n, dtype=np.int64) % self.classes)
        parts = [
            self._images(targets[first : first + CHUNK], random) for first in range(0, n, CHUNK)
        ]
        return Examples(np.concatenate(parts), targets)

    def _images(
        self, targets: NDArray[np.int64], random: np.random.RandomState
    ) -> NDArray[np.uint8]:
        """The next ones of the stream."""
        import numpy as np

        n = len(targets)
        radius = random.uniform(*RADIUS, n)
        centre = (SIZE - 1) / 2 + random.uniform(-1, 1, (2, n)) * ((SIZE - 1) / 2 - radius)
        angle = random.uniform(0, 2 * math.pi, n)
        bright, dark = random.uniform(0, 0.5, (2, n, 3, 1, 1))
        bright += 0.5
        inside = drawn(targets, centre, radius, angle)[:, None]
        images = np.where(inside, bright, dark) + self.noise * random.standard_normal(
            (n, 3, SIZE, SIZE)
        )
        values: NDArray[np.uint8] = np.rint(255 * images.clip(0, 1)).astype(np.uint8)
        return values


def shapes(train: int = 4000, test: int = 1000, noise: float = 0.1, data_seed: int = 0) -> Shapes:
    """Coloured shapes; raises UsageError for values that make no data."""
    check_sizes(train, test, math.prod(Shapes.input_shape), data_seed)
    if type(noise) not in (int, float) or not 0 <= noise < math.inf:
        raise UsageError(f"noise must be a finite number, at least 0, got {noise}")
    return Shapes(train, test, float(noise), data_seed)


def drawn(targets: NDArray[np.int64], centre: Numbers, radius: Numbers, angle: Numbers) -> Mask:
    """Which pixels `[n, 32, 32]` lie inside a shape, given its class, centre, size and angle."""
    import numpy as np

    y, x = np.mgrid[:SIZE, :SIZE]
    right = (x - centre[0][:, None, None]) / radius[:, None, None]
    down = (y - centre[1][:, None, None]) / radius[:, None, None]
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    u, v = cos * right + sin * down, cos * down - sin * right
    inside = np.zeros(u.shape, np.bool_)
    for label, shape in enumerate(SHAPES):
        of_it = targets == label
        inside[of_it] = shape(u[of_it], v[of_it])
    return inside


# Each inside the unit circle; u and v are coordinates that turn with the shape.


def _disc(u: Numbers, v: Numbers) -> Mask:
    return u**2 + v**2 <= 1


def _ring(u: Numbers, v: Numbers) -> Mask:
    return _disc(u, v) & (u**2 + v**2 >= 0.3)


def _half_disc(u: Numbers, v: Numbers) -> Mask:
    return _disc(u, v) & (u >= 0)


def _crescent(u: Numbers, v: Numbers) -> Mask:
    return _disc(u, v) & ((u + 0.5) ** 2 + v**2 >= 0.8)


def _triangle(u: Numbers, v: Numbers) -> Mask:
    return (u >= -0.5) & (math.sqrt(3) * abs(v) <= 1 - u)


def _square(u: Numbers, v: Numbers) -> Mask:
    return (abs(u) <= math.sqrt(0.5)) & (abs(v) <= math.sqrt(0.5))


def _frame(u: Numbers, v: Numbers) -> Mask:
    return _square(u, v) & ~((abs(u) <= 0.4) & (abs(v) <= 0.4))


def _bar(u: Numbers, v: Numbers) -> Mask:
    return (abs(u) <= 0.95) & (abs(v) <= 0.3)


def _cross(u: Numbers, v: Numbers) -> Mask:
    return _bar(u, v) | _bar(v, u)


def _hourglass(u: Numbers, v: Numbers) -> Mask:
    return (abs(u) <= math.sqrt(0.5)) & (abs(v) <= abs(u))


SHAPES: tuple[Callable[[Numbers, Numbers], Mask], ...] = (
    _disc, _ring, _half_disc, _crescent, _triangle, _square, _frame, _bar, _cross, _hourglass,
)  # fmt: skip
