"""The logarithm of the softmax over few classes, by a kernel that takes many examples at once.

Over the last dimension torch takes a vector an example, of which ten classes fill a part: 35 µs for
five batches of 64. Over the one before it takes a vector of examples: 7 µs, with the copies there
and back. Whether that gives the same bits is tried on random numbers first, for each size.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

VECTOR = 16  # numbers at most: with as many classes, or fewer examples, there is nothing to gain


class LogSoftmax:
    """Log-probabilities of outputs `[runs, batch, classes]`, and their gradient."""

    def __init__(self, outputs: Tensor) -> None:
        self._by_class = by_class(*outputs.shape[1:], outputs.dtype)
        self._found = _forward(outputs, by_class=self._by_class)

    @property
    def values(self) -> Tensor:
        """`[runs, batch, classes]`, without gaps."""
        return self._found.transpose(1, 2).contiguous() if self._by_class else self._found

    def backward(self, gradient: Tensor) -> Tensor:
        """The gradient at the outputs, from that at the values."""
        return _backward(gradient, self._found, by_class=self._by_class)


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """functional.cross_entropy of outputs `[batch, classes]` on the CPU."""
    return functional.nll_loss(LogSoftmax(outputs.unsqueeze(0)).values.squeeze(0), targets)


@cache
def by_class(batch: int, classes: int, dtype: torch.dtype) -> bool:
    """Whether the kernel for another dimension gives the bits of that for the last."""
    if classes >= VECTOR or batch < VECTOR:
        return False
    generator = torch.Generator().manual_seed(0)
    outputs, gradient = torch.randn(2, 24, batch, classes, generator=generator, dtype=dtype)
    outputs *= torch.logspace(-3, 2, 24, dtype=dtype)[:, None, None]
    last, other = (_forward(outputs, by_class=way) for way in (False, True))
    back = (_backward(gradient, p, by_class=w) for p, w in ((last, False), (other, True)))
    return torch.equal(last, other.transpose(1, 2)) and torch.equal(*back)


def _forward(outputs: Tensor, *, by_class: bool) -> Tensor:
    """`[runs, batch, classes]`, or by class `[runs, classes, batch]`."""
    values = outputs.transpose(1, 2).contiguous() if by_class else outputs
    return torch._log_softmax(values, 1 if by_class else 2, False)


def _backward(gradient: Tensor, log_p: Tensor, *, by_class: bool) -> Tensor:
    """From `[runs, batch, classes]` to the same; `log_p` as `_forward` left it."""
    given = gradient.transpose(1, 2).contiguous() if by_class else gradient
    found = torch._log_softmax_backward_data(given, log_p, 1 if by_class else 2, log_p.dtype)
    return found.transpose(1, 2) if by_class else found
