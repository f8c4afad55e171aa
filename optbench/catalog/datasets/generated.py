"""What data sets made from a seed have in common: never missing, identified by their parameters."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.source import PlainSource
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

LARGEST = 2**30  # values in all, 4 GiB: beyond that, a typing error is likelier than a wish


class Generated(PlainSource):
    """Base of sources that need no files; a dataclass whose fields are its parameters.

    `VERSION` is to be raised by whoever changes what is generated.
    """

    NAME: ClassVar[str]
    VERSION: ClassVar[int] = 1
    data_seed: int

    def content_hash(self) -> str:
        """Of the parameters, which are the content: known without drawing a number.

        RandomState's streams are frozen for good (NEP 19), and rounding to float32 hides that
        the logarithm in its normal deviates may differ in the last bit between systems.
        """
        content = [f"optbench {self.NAME}", self.VERSION, *self.parameters()]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def parameters(self) -> list[object]:
        """All that decides the content."""
        return [*vars(self).values()]

    def missing(self, data_dir: Path) -> tuple[Path, ...]:  # noqa: ARG002
        return ()

    def fetch(self, data_dir: Path, announce: Callable[[str], None]) -> None:
        """Nothing is ever missing."""

    def random(self, stream: int) -> np.random.RandomState:
        """A generator of its own for each stream of numbers."""
        import numpy as np

        return np.random.RandomState([self.data_seed, stream])


def check_sizes(train: int, test: int, features: int, data_seed: int) -> None:
    """Raises UsageError for sizes that make no data, or more than fits, and for no seed."""
    check_whole("train", 1, train)
    check_whole("test", 1, test)
    check_seed(data_seed)
    _check_below("(train + test) × features", (train + test) * features, LARGEST)


def check_seed(data_seed: int) -> None:
    """Raises UsageError for what RandomState doesn't take."""
    check_whole("data_seed", 0, data_seed)
    _check_below("data_seed", data_seed, 2**32)


def check_whole(name: str, least: int, *values: int) -> None:
    """Raises UsageError unless every value is a whole number, at least `least`."""
    for value in values:
        if type(value) is not int or value < least:
            raise UsageError(f"{name} must be a whole number, at least {least}, got {value}")


def _check_below(name: str, value: int, bound: int) -> None:
    if value >= bound:
        raise UsageError(f"{name} must be below {bound:,}, got {value:,}")
