"""Loss and accuracy of networks on a split."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from optbench.training.log_softmax import cross_entropy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.training.data import Split
    from optbench.training.grading import Grading
    from optbench.training.losses import Loss
    from optbench.training.network import Network

CHUNK = 1_000  # examples at a time: fits the cache of a CPU, keeps a GPU busy


class Score(NamedTuple):
    """Mean loss, and accuracy as a fraction; nan where there are no examples to go by.

    Accuracy is None where outputs are neither right nor wrong. `seen` has all outputs and targets
    where they were to be kept.
    """

    loss: float
    accuracy: float | None
    seen: tuple[Tensor, Tensor] | None = None


@torch.no_grad()
def evaluate(
    network: Network, split: Split, loss: Loss, grading: Grading | None, *, keep: bool = False
) -> list[Score]:
    """The score of each run of a network over a split's examples, in eval mode."""
    totals: list[list[float]] = []
    hits: list[list[int]] = []
    kept: list[Sequence[Tensor]] = []
    aims: list[Tensor] = []
    for start in range(0, len(split), CHUNK):
        inputs, targets = split.chunk(start, CHUNK)
        outputs = network.outputs(inputs)
        totals.append([_mean(loss, run, targets) * len(targets) for run in outputs])
        hits.append([_correct(run, targets, grading) for run in outputs])
        if keep:
            kept.append(outputs)
            aims.append(targets)
    size = len(split)
    seen = [(torch.cat(run), torch.cat(aims)) for run in zip(*kept, strict=True)]
    return [
        Score(
            math.fsum(losses) / size,
            None if grading is None else grading.accuracy(sum(correct), size),
            seen[run] if keep else None,
        )
        for run, (losses, correct) in enumerate(
            zip(zip(*totals, strict=True), zip(*hits, strict=True), strict=True)
        )
    ]


def _mean(loss: Loss, outputs: Tensor, targets: Tensor) -> float:
    on_cpu = outputs.device.type == "cpu"
    if loss is functional.cross_entropy and on_cpu and outputs.dim() == 2:
        return cross_entropy(outputs, targets).item()
    found: Tensor = loss(outputs, targets)
    return found.item()


def _correct(outputs: Tensor, targets: Tensor, grading: Grading | None) -> int:
    return 0 if grading is None else int(grading.correct(outputs.unsqueeze(0), targets))


@torch.no_grad()
def total_norm(tensors: Iterable[Tensor]) -> float:
    """The Euclidean norm of all elements of all tensors, summed in float64."""
    return math.sqrt(math.fsum(float(t.double().pow(2).sum()) for t in tensors))
