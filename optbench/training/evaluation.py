"""Loss and accuracy of a network on a split."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.training.build import Loss
    from optbench.training.data import Split
    from optbench.training.network import Network

CHUNK = 1_000  # examples at a time: fits the cache of a CPU, keeps a GPU busy


@torch.no_grad()
def evaluate(network: Network, split: Split, loss: Loss) -> tuple[float, float]:
    """Mean loss and accuracy (a fraction) over a split's examples, in eval mode."""
    total, correct = 0.0, 0
    for start in range(0, len(split), CHUNK):
        inputs, targets = split.chunk(start, CHUNK)
        outputs = network.outputs(inputs)
        total += loss(outputs, targets).item() * len(targets)
        correct += int(count_correct(outputs, targets))
    return total / len(split), correct / len(split)


def count_correct(outputs: Tensor, targets: Tensor) -> Tensor:
    """How many rows of `outputs` `[examples, classes]` are largest at their target; 0-d."""
    return (outputs.argmax(dim=1) == targets).sum()


@torch.no_grad()
def total_norm(tensors: Iterable[Tensor]) -> float:
    """The Euclidean norm of all elements of all tensors, summed in float64."""
    return math.sqrt(sum(float(t.double().pow(2).sum()) for t in tensors))
