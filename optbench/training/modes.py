"""Optimizers with a mode for training and one for evaluation, as schedule-free ones have.

Such an optimizer trains one point and means another, which its `eval()` puts into the parameters
and its `train()` takes out again [Defazio et al., "The road less scheduled", 2024].
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor
    from torch.optim import Optimizer

MODES = ("train", "eval")


def has_modes(optimizer: Optimizer) -> bool:
    """Whether it has both methods; none of torch's own has."""
    return all(callable(getattr(optimizer, name, None)) for name in MODES)


@contextmanager
def evaluating(optimizer: Optimizer, parameters: Sequence[Tensor]) -> Iterator[None]:
    """Inside, the parameters are those to evaluate.

    Afterwards they have their very bits again, which `train()` alone gives back up to rounding:
    how often a run is evaluated changes nothing of its training.
    """
    before = [parameter.detach().clone() for parameter in parameters]
    optimizer.eval()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        optimizer.train()  # type: ignore[attr-defined]
        with torch.no_grad():
            for parameter, value in zip(parameters, before, strict=True):
                parameter.copy_(value)
