"""Runs in float64, where losses agree far below what a wrong formula would change."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

import torch
from experiments import make_learner

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
    """The run with `dtype: float64`; its weights are drawn as such too."""
    data = make_learner(run).data
    train, test = (
        dataclasses.replace(split, inputs=split.inputs.double())
        for split in (data.train, data.test)
    )
    training = {**run.setting.training, "dtype": "float64"}
    setting = dataclasses.replace(run.setting, training=training)
    # Which undoes what own code may have set for the whole process: the type, here.
    kept = mock.patch("optbench.training.learner.restore_settings")
    with double_precision(), kept:
        return Learner(
            dataclasses.replace(run, setting=setting),
            dataclasses.replace(data, train=train, test=test, validation=None),
        )
