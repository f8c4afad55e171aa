"""Modular addition, on which networks grok (Power et al. 2022, arXiv:2201.02177)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.generated import Generated, check_seed, check_whole
from optbench.catalog.datasets.task import Task
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

ORDER = 0  # stream
LARGEST_MODULUS = 1_000  # a million sums


@dataclass(frozen=True)
class ModularAddition(Generated):
    """All sums a + b modulo `modulus`, as tokens `[a, +, b, =]`, and what they are as a class.

    Numbers are tokens of their own, + is the token `modulus`, = the one after it. A part of all
    sums, `train_share` of them, is drawn to train on; the others are the test set.
    """

    NAME: ClassVar[str] = "modular-addition"

    modulus: int
    train_share: float
    data_seed: int

    @property
    def classes(self) -> int:
        return self.modulus

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (4,)

    @property
    def task(self) -> Task:
        return Task(self.input_shape, self.classes, vocabulary=self.modulus + 2)

    @property
    def train_size(self) -> int:
        return round(self.train_share * self.modulus**2)

    @property
    def test_size(self) -> int:
        return self.modulus**2 - self.train_size

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        import numpy as np

        order = self.random(ORDER).permutation(self.modulus**2)
        a, b = np.divmod(order.astype(np.int64), self.modulus)
        plus, equals = np.full_like(a, self.modulus), np.full_like(a, self.modulus + 1)
        sums = Examples(np.stack([a, plus, b, equals], axis=1), (a + b) % self.modulus)
        train, test = np.split(np.arange(len(order)), [self.train_size])
        return sums.at(train), sums.at(test)


def modular_addition(
    modulus: int = 97, train_share: float = 0.4, data_seed: int = 0
) -> ModularAddition:
    """Sums modulo a number; raises UsageError for values that make no data."""
    check_whole("modulus", 2, modulus)
    check_seed(data_seed)
    if modulus > LARGEST_MODULUS:
        raise UsageError(f"modulus must be at most {LARGEST_MODULUS:,}, got {modulus:,}")
    source = ModularAddition(modulus, float(train_share), data_seed)
    if not 0 < source.train_size < modulus**2:
        raise UsageError(
            f"train_share {train_share:g} of {modulus**2:,} sums leaves none to train or to test"
        )
    return source
