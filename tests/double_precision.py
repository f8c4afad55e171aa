"""Runs in float64, where losses agree far below what a wrong formula would change."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from experiments import make_learner

from optbench.training.data import DeviceData, Split
from optbench.training.learner import Learner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.config.spec import Run


@contextmanager
def double_precision() -> Iterator[None]:
    """What is made here has float64 weights."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def make_double(run: Run) -> Learner:
    data = make_learner(run).data
    splits = (Split(s.inputs.double(), s.targets) for s in (data.train, data.test))
    train, test = splits
    with double_precision():
        return Learner(run, DeviceData(train, None, test, data.task))
