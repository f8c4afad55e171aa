"""Functions to be made small, as data sets: an example is what a step's gradient has of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING, ClassVar, TypeVar

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.generated import Generated, check_seed, check_whole
from optbench.catalog.datasets.task import Task
from optbench.catalog.losses import LANDSCAPE_LOSS
from optbench.catalog.objectives import OBJECTIVES, RULES
from optbench.catalog.objectives.landscape import Landscape
from optbench.catalog.objectives.receiver import objective_receiver
from optbench.catalog.unknown import remedy_for_name
from optbench.config.spec import format_value
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from optbench.catalog.datasets.source import Stream

T = TypeVar("T")
RANDOM = "random"
MOST_DIMENSIONS = 100_000
CHAINED = "rosenbrock"  # in more than two dimensions
_HEIGHTS = "optbench.catalog.objectives.heights"


@dataclass(frozen=True)
class Noisy(Generated):
    """Base of landscapes whose examples are normal noise of the gradient, drawn anew each epoch.

    `noise` is its standard deviation in each coordinate; the test set is one example without.
    """

    train_size: int
    noise: float
    dimensions: int
    start: tuple[float, ...] | None

    classes: ClassVar[int] = 1
    test_size: ClassVar[int] = 1

    @property
    def landscape(self) -> Landscape:
        raise NotImplementedError

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.dimensions,)

    @property
    def task(self) -> Task:
        return landscape_task(self.landscape)

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        import numpy as np

        return tuple(
            slopes(np.zeros((n, self.dimensions))) for n in (self.train_size, self.test_size)
        )  # type: ignore[return-value]

    def stream(self) -> Stream | None:
        return self._draw if self.noise else None

    def _draw(self, random: np.random.RandomState) -> Examples:
        return slopes(self.noise * random.standard_normal((self.train_size, self.dimensions)))


@dataclass(frozen=True)
class ObjectiveSource(Noisy):
    """An objective of `optbench list objectives`, in its window."""

    NAME: ClassVar[str] = "objective"

    objective: str
    arguments: tuple[tuple[str, float], ...]

    @property
    def landscape(self) -> Landscape:
        known = OBJECTIVES[self.objective]
        return Landscape(
            height=f"{_HEIGHTS}:objective_height",
            arguments=(("objective", self.objective), *self.arguments),
            minima=tuple(_repeated(minimum, self.dimensions) for minimum in known.minima),
            box=_repeated(known.window, self.dimensions),
            start=self.start,
        )


@dataclass(frozen=True)
class Quadratic(Noisy):
    """Σ λᵢ zᵢ² / 2 with λ from 1 to the condition number; its minimum is 0."""

    NAME: ClassVar[str] = "quadratic"

    condition: float
    rotation: int | None

    @property
    def landscape(self) -> Landscape:
        arguments = {
            "dimensions": self.dimensions, "condition": self.condition, "rotation": self.rotation,
        }  # fmt: skip
        return Landscape(
            height=f"{_HEIGHTS}:quadratic_height",
            arguments=tuple(arguments.items()),
            minima=((0.0,) * self.dimensions,),
            box=((-1.0, 1.0),) * self.dimensions,
            start=self.start,
        )


def objective(
    objective: str = "rosenbrock",
    condition: float | None = None,
    steepness: float | None = None,
    dimensions: int = 2,
    start: list[float] | str | None = None,
    noise: float = 0.0,
    train: int = 100,
) -> ObjectiveSource:
    """A test function; raises UsageError for what it doesn't take, as the one below does."""
    if objective not in OBJECTIVES:
        remedy = remedy_for_name(str(objective), tuple(OBJECTIVES), "objectives")
        raise UsageError(f"unknown objective {objective!r}; {remedy}")
    given = {"condition": condition, "steepness": steepness}
    arguments = {name: value for name, value in given.items() if value is not None}
    for name, value in arguments.items():
        if name not in objective_receiver(objective).parameters:
            raise UsageError(f"{objective} has no {name}; leave it out")
        if not (RULES[name].holds(value) and value < math.inf):
            raise UsageError(f"{name} must be {RULES[name].text}, got {value}")
    if dimensions != 2 and objective != CHAINED:
        raise UsageError(f"{objective} has 2 dimensions, got {dimensions}; {CHAINED} can have more")
    _check(train, noise, dimensions)
    usual = _repeated(OBJECTIVES[objective].start, dimensions)
    begin = _start(start, usual)
    numbers = tuple((name, float(value)) for name, value in arguments.items())
    return ObjectiveSource(train, float(noise), dimensions, begin, objective, numbers)


def quadratic(
    dimensions: int = 10,
    condition: float = 100.0,
    rotated: bool = False,
    start: list[float] | str | None = None,
    noise: float = 0.0,
    train: int = 100,
    data_seed: int = 0,
) -> Quadratic:
    """A bowl in so many dimensions; `rotated` turns its axes, by `data_seed`."""
    _check(train, noise, dimensions)
    check_seed(data_seed)
    if not 1 <= condition < math.inf:
        raise UsageError(f"condition must be 1 or greater, got {condition}")
    begin = _start(start, (1.0,) * dimensions)
    rotation = data_seed if rotated else None
    return Quadratic(train, float(noise), dimensions, begin, float(condition), rotation)


def landscape_task(landscape: Landscape) -> Task:
    """To make the outputs small, in one number an example."""
    shape = (len(landscape.box),)
    return Task(shape, 1, losses=(LANDSCAPE_LOSS,), graded=False, landscape=landscape)


def slopes(values: np.ndarray) -> Examples:
    """Examples of slopes `[n, dimensions]`, with nothing to hit."""
    import numpy as np

    return Examples(values.astype(np.float32), np.zeros((len(values), 1), np.float32))


def _check(train: int, noise: float, dimensions: int) -> None:
    check_whole("train", 1, train)
    check_whole("dimensions", 2, dimensions)
    if dimensions > MOST_DIMENSIONS:
        raise UsageError(f"dimensions must be at most {MOST_DIMENSIONS:,}, got {dimensions:,}")
    if not 0 <= noise < math.inf:
        raise UsageError(f"noise must be a finite number, at least 0, got {noise}")


def _start(
    given: Sequence[float] | str | None, usual: tuple[float, ...]
) -> tuple[float, ...] | None:
    """The usual start where none is given; None for one to be drawn from each run's seed."""
    if given is None:
        return usual
    if given == RANDOM:
        return None
    found = () if isinstance(given, str) else tuple(map(float, given))
    if len(found) != len(usual) or not all(map(math.isfinite, found)):
        shown = given if isinstance(given, str) else format_value(list(given))
        rule = f"must be {len(usual)} finite numbers, or random"
        raise UsageError(f"start {rule}, got {shown}")
    return found


def _repeated(values: Sequence[T], length: int) -> tuple[T, ...]:
    return tuple(islice(cycle(values), length))
