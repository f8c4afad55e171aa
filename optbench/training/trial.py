"""Examples to try a network or a loss on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optbench.training.data import Split
from optbench.training.precision import number_type

if TYPE_CHECKING:
    from optbench.catalog.datasets.task import Task
    from optbench.config.spec import Setting
    from optbench.training.network import Batch

EXAMPLES = 8  # enough for batch statistics


def trial_batch(setting: Setting, task: Task, device: torch.device) -> Batch:
    """Examples like the data set's in shape alone: the way must not depend on their values."""
    generator = torch.Generator().manual_seed(0)
    shapes = (EXAMPLES, *task.input_shape), (EXAMPLES, *task.target_shape)
    ids = task.vocabulary, None if task.numbers else task.classes
    inputs, targets = (
        torch.rand(shape, generator=generator)
        if most is None
        else torch.randint(most, shape, generator=generator)
        for shape, most in zip(shapes, ids, strict=True)
    )
    drawn = Split(inputs.to(device), targets.to(device), dtype=number_type(setting))
    return drawn.chunk(0, EXAMPLES)
