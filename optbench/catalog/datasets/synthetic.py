"""Labelled Gaussian blobs of any size: data for tests, and for trying things out."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.catalog.datasets.data import Examples
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

VERSION = 1  # to be raised by whoever changes what is generated
LARGEST = 2**30  # values in all, 4 GiB: beyond that, a typing error is likelier than a wish
CENTRES, TRAIN, TEST = range(3)  # streams; one each, so that more training keeps the test set


@dataclass(frozen=True)
class Blobs:
    """One normal distribution of unit variance a class, its centre drawn at random.

    `separation` is the root mean square distance of two centres, in standard deviations of a
    blob: about 2 is hard, 8 easy. Classes differ by at most one in size.
    """

    train_size: int
    test_size: int
    input_shape: tuple[int, ...]
    classes: int
    separation: float
    data_seed: int

    def content_hash(self) -> str:
        """Of the parameters, which are the content: known without drawing a number.

        RandomState's streams are frozen for good (NEP 19), and rounding to float32 hides that
        the logarithm in its normal deviates may differ in the last bit between systems.
        """
        content = ["optbench synthetic", VERSION, *vars(self).values()]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def missing(self, data_dir: Path) -> tuple[Path, ...]:  # noqa: ARG002
        return ()

    def fetch(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        """Nothing is ever missing."""

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        features = math.prod(self.input_shape)
        # The difference of two centres has `features` coordinates of variance 2·scale².
        scale = self.separation / math.sqrt(2 * features)
        centres = scale * self._random(CENTRES).standard_normal((self.classes, features))
        return (
            self._draw(TRAIN, self.train_size, centres),
            self._draw(TEST, self.test_size, centres),
        )

    def _draw(self, stream: int, n: int, centres: NDArray[np.float64]) -> Examples:
        import numpy as np

        random = self._random(stream)
        targets = random.permutation(np.arange(n, dtype=np.int64) % self.classes)
        inputs = random.standard_normal((n, centres.shape[1]))
        inputs += centres[targets]
        return Examples(inputs.astype(np.float32).reshape(n, *self.input_shape), targets)

    def _random(self, stream: int) -> np.random.RandomState:
        import numpy as np

        return np.random.RandomState([self.data_seed, stream])


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
    _check_whole("features", 1, *(shape or (0,)))
    _check_whole("classes", 2, classes)
    _check_whole("train", 1, train)
    _check_whole("test", 1, test)
    _check_whole("data_seed", 0, data_seed)
    _check_below("data_seed", data_seed, 2**32)
    _check_below("(train + test) × features", (train + test) * math.prod(shape), LARGEST)
    if type(separation) not in (int, float) or not 0 <= separation < math.inf:
        raise UsageError(f"separation must be a finite number, at least 0, got {separation}")
    return Blobs(train, test, shape, classes, float(separation), data_seed)


def _check_whole(name: str, least: int, *values: int) -> None:
    for value in values:
        if type(value) is not int or value < least:
            raise UsageError(f"{name} must be a whole number, at least {least}, got {value}")


def _check_below(name: str, value: int, bound: int) -> None:
    if value >= bound:
        raise UsageError(f"{name} must be below {bound:,}, got {value:,}")
