"""Linear and logistic regression on generated features of a chosen condition number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.generated import Generated, check_sizes, check_whole
from optbench.catalog.datasets.task import Task
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

RULE, TRAIN, TEST = range(3)  # streams


@dataclass(frozen=True)
class Regression(Generated):
    """Base of sets of normal features `[features]` and one number each.

    Their covariance has eigenvalues from 1 down to 1/`condition`, evenly spaced in their
    logarithms, along random axes.
    """

    train_size: int
    test_size: int
    features: int
    condition: float
    data_seed: int

    classes: ClassVar[int] = 1

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.features,)

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        import numpy as np

        random = self.random(RULE)
        axes, _ = np.linalg.qr(random.standard_normal((self.features, self.features)))
        scales = np.logspace(0, -np.log10(self.condition) / 2, self.features)
        weights = random.standard_normal(self.features)
        train, test = (
            self._draw(self.random(stream), n, scales[:, None] * axes.T, weights)
            for stream, n in ((TRAIN, self.train_size), (TEST, self.test_size))
        )
        return train, test

    def _draw(
        self,
        random: np.random.RandomState,
        n: int,
        shape: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> Examples:
        import numpy as np

        inputs = random.standard_normal((n, self.features)) @ shape
        deviation = float(np.linalg.norm(shape @ weights))  # of inputs @ weights
        targets = self.targets(inputs @ weights, deviation, random)
        return Examples(inputs.astype(np.float32), targets.astype(np.float32)[:, None])

    def targets(
        self, scores: NDArray[np.float64], deviation: float, random: np.random.RandomState
    ) -> NDArray[np.float64]:
        """What the true weights' scores, of that standard deviation, are answered by."""
        raise NotImplementedError


@dataclass(frozen=True)
class LinearRegression(Regression):
    """Scores of true weights, and normal noise of standard deviation `noise`.

    No model has a mean squared error below noise² on new examples.
    """

    NAME: ClassVar[str] = "linear-regression"

    noise: float

    @property
    def task(self) -> Task:
        return Task(self.input_shape, 1, losses=("mse",), graded=False)

    def targets(
        self,
        scores: NDArray[np.float64],
        deviation: float,  # noqa: ARG002
        random: np.random.RandomState,
    ) -> NDArray[np.float64]:
        return scores + self.noise * random.standard_normal(len(scores))


@dataclass(frozen=True)
class LogisticRegression(Regression):
    """0 or 1, at the odds that a logistic model of true weights gives; or by the score's sign.

    Drawn at odds they overlap, and there are best weights; by sign a plane parts them, and longer
    weights are better for ever. Scores have standard deviation `signal`.
    """

    NAME: ClassVar[str] = "logistic-regression"

    signal: float
    separable: bool

    @property
    def task(self) -> Task:
        return Task(self.input_shape, 1, losses=("bce_with_logits", "bce"))

    def targets(
        self, scores: NDArray[np.float64], deviation: float, random: np.random.RandomState
    ) -> NDArray[np.float64]:
        import numpy as np

        odds = scores * self.signal / deviation
        probabilities = (odds > 0) if self.separable else 1 / (1 + np.exp(-odds))
        return (random.random_sample(len(odds)) < probabilities).astype(np.float64)


def linear_regression(
    train: int = 1000,
    test: int = 200,
    features: int = 10,
    condition: float = 10.0,
    noise: float = 0.1,
    data_seed: int = 0,
) -> LinearRegression:
    """Raises UsageError for values that make no data, as the one below does."""
    _check(train, test, features, condition, data_seed)
    _check_number("noise", noise)
    return LinearRegression(train, test, features, float(condition), data_seed, float(noise))


def logistic_regression(
    train: int = 1000,
    test: int = 200,
    features: int = 10,
    condition: float = 10.0,
    signal: float = 3.0,
    separable: bool = False,
    data_seed: int = 0,
) -> LogisticRegression:
    """Two classes as the numbers 0 and 1."""
    _check(train, test, features, condition, data_seed)
    _check_number("signal", signal)
    return LogisticRegression(
        train, test, features, float(condition), data_seed, float(signal), separable
    )


def _check(train: int, test: int, features: int, condition: float, data_seed: int) -> None:
    check_whole("features", 1, features)
    check_sizes(train, test, features, data_seed)
    if not 1 <= condition < math.inf:
        raise UsageError(f"condition must be 1 or greater, got {condition}")


def _check_number(name: str, value: float) -> None:
    if not 0 <= value < math.inf:
        raise UsageError(f"{name} must be a finite number, at least 0, got {value}")
