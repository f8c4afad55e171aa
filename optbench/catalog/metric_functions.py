"""Metrics: of all outputs of a part of the data and its targets, to a number."""

from __future__ import annotations

import torch
from torch import Tensor

LIKELIEST = 5


def top_5_accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """The share of targets `[n, …]` among the five likeliest classes of outputs `[n, …, classes]`.

    With fewer classes than that it is 1.
    """
    likeliest = outputs.topk(min(LIKELIEST, outputs.shape[-1])).indices
    return (likeliest == targets.unsqueeze(-1)).any(-1).double().mean()


def macro_f1(outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean of F1 over the classes that are a target or an answer, as scikit-learn has it."""
    answers, wanted = outputs.argmax(-1).flatten(), targets.flatten()
    classes = outputs.shape[-1]
    answered, asked = (torch.bincount(found, minlength=classes) for found in (answers, wanted))
    right = torch.bincount(wanted[answers == wanted], minlength=classes)
    met = answered + asked
    return (2 * right[met > 0].double() / met[met > 0]).mean()


def mean_absolute_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean |output − target| over all numbers."""
    return (outputs - targets).abs().double().mean()
