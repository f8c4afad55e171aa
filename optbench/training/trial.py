"""Examples to try a network or a loss on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optbench.training.data import Split
from optbench.training.precision import number_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.catalog.datasets.task import Task
    from optbench.config.spec import Setting
    from optbench.training.network import Batch

EXAMPLES = 8  # enough for batch statistics


def trial_batch(setting: Setting, task: Task, device: torch.device) -> Batch:
    """Examples like the data set's in shape alone: the way must not depend on their values."""
    generator = torch.Generator().manual_seed(0)
    inputs = _drawn((EXAMPLES, *task.input_shape), task.vocabulary, generator)
    targets = _drawn((EXAMPLES, *task.target_shape), _classes(task), generator)
    drawn = Split(inputs.to(device), targets.to(device), dtype=number_type(setting))
    return drawn.chunk(0, EXAMPLES)


def trial_targets(task: Task, examples: int, device: torch.device) -> Tensor:
    """So many targets like the data set's in shape and range; other ones than in the batch."""
    generator = torch.Generator().manual_seed(2)
    return _drawn((examples, *task.target_shape), _classes(task), generator).to(device)


def trial_outputs(shape: Sequence[int], device: torch.device, dtype: torch.dtype) -> Tensor:
    """Numbers between 0 and 1, as a network might give them that has learnt nothing."""
    return _drawn(shape, None, torch.Generator().manual_seed(1)).to(device, dtype)


def _classes(task: Task) -> int | None:
    return None if task.numbers else task.classes


def _drawn(shape: Sequence[int], most: int | None, generator: torch.Generator) -> Tensor:
    """Whole numbers below `most`, or fractions."""
    if most is None:
        return torch.rand(shape, generator=generator)
    return torch.randint(most, tuple(shape), generator=generator)
