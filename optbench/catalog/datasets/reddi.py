"""The online problem on which Adam goes the wrong way (Reddi, Kale & Kumar 2018, section 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.generated import Generated, check_whole
from optbench.catalog.datasets.landscapes import RANDOM, landscape_task, slopes
from optbench.catalog.objectives.landscape import Landscape
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from optbench.catalog.datasets.data import Examples
    from optbench.catalog.datasets.source import Stream
    from optbench.catalog.datasets.task import Task

STEEP, GENTLE = 1010.0, -10.0
PERIOD = 101  # steps, of the sequence
ONE_IN = 100  # is steep, at random


@dataclass(frozen=True)
class Reddi(Generated):
    """f(x) = 1010x at one step in 101 and −10x at the others, on [−1, 1]: best is x = −1.

    `stochastic`: at each step with probability 0.01, as drawn from the run's seed. Losses are
    told as f(x) − f(−1), which is their regret. The test set has each slope as often as it comes.
    """

    NAME: ClassVar[str] = "reddi-online"

    train_size: int
    stochastic: bool
    start: float | None

    classes: ClassVar[int] = 1
    input_shape: ClassVar[tuple[int, ...]] = (1,)

    @property
    def period(self) -> int:
        return ONE_IN if self.stochastic else PERIOD

    @property
    def test_size(self) -> int:
        return self.period

    @property
    def ordered(self) -> bool:  # type: ignore[override]
        return True

    @property
    def task(self) -> Task:
        start = None if self.start is None else (self.start,)
        return landscape_task(Landscape("", (), ((-1.0,),), ((-1.0, 1.0),), start, bounded=True))

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        import numpy as np

        steep = np.arange(self.train_size) % self.period == 0
        return _slopes(steep), _slopes(np.arange(self.period) == 0)

    def stream(self) -> Stream | None:
        return self._draw if self.stochastic else None

    def _draw(self, random: np.random.RandomState) -> Examples:
        return _slopes(random.random_sample(self.train_size) < 1 / ONE_IN)


def reddi_online(train: int = 10_100, stochastic: bool = False, start: float | str = 0.0) -> Reddi:
    """Raises UsageError for a start outside of [−1, 1] that is not `random`."""
    check_whole("train", 1, train)
    if start == RANDOM:
        return Reddi(train, stochastic, None)
    if isinstance(start, str) or not -1 <= start <= 1 or math.isnan(start):
        raise UsageError(f"start must be from -1 to 1, or random, got {start}")
    return Reddi(train, stochastic, float(start))


def _slopes(steep: np.ndarray) -> Examples:
    import numpy as np

    return slopes(np.where(steep, STEEP, GENTLE)[:, None])
