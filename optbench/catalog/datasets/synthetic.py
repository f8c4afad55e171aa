"""Labelled Gaussian blobs of any size: data for tests, and for trying things out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.generated import Generated, check_sizes, check_whole
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

CENTRES, TRAIN, TEST = range(3)  # streams; one each, so that more training keeps the test set


@dataclass(frozen=True)
class Blobs(Generated):
    """One normal distribution of unit variance a class, its centre drawn at random.

    `separation` is the root mean square distance of two centres, in standard deviations of a
    blob: about 2 is hard, 8 easy. Classes differ by at most one in size.
    """

    NAME: ClassVar[str] = "synthetic"

    train_size: int
    test_size: int
    input_shape: tuple[int, ...]
    classes: int
    separation: float
    data_seed: int

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        features = math.prod(self.input_shape)
        # The difference of two centres has `features` coordinates of variance 2·scale².
        scale = self.separation / math.sqrt(2 * features)
        centres = scale * self.random(CENTRES).standard_normal((self.classes, features))
        return (
            self._draw(TRAIN, self.train_size, centres),
            self._draw(TEST, self.test_size, centres),
        )

    def _draw(self, stream: int, n: int, centres: NDArray[np.float64]) -> Examples:
        import numpy as np

        random = self.random(stream)
        targets = random.permutation(np.arange(n, dtype=np.int64) % self.classes)
        inputs = random.standard_normal((n, centres.shape[1]))
        inputs += centres[targets]
        return Examples(inputs.astype(np.float32).reshape(n, *self.input_shape), targets)


def synthetic(
    train: int = 1000,
    test: int = 200,
    features: int | list[int] = 20,
    classes: int = 10,
    separation: float = 6.0,
    data_seed: int = 0,
) -> Blobs:
    """Gaussian blobs; `features` is a number of features or an input shape such as [1, 28, 28].

    Raises UsageError for values that make no data.
    """
    shape = tuple(features) if isinstance(features, list) else (features,)
    check_whole("features", 1, *(shape or (0,)))
    check_whole("classes", 2, classes)
    check_sizes(train, test, math.prod(shape), data_seed)
    if type(separation) not in (int, float) or not 0 <= separation < math.inf:
        raise UsageError(f"separation must be a finite number, at least 0, got {separation}")
    return Blobs(train, test, shape, classes, float(separation), data_seed)
