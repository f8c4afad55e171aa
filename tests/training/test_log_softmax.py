"""The kernel that takes many examples at once, against torch's functions and autograd."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from optbench.training import log_softmax
from optbench.training.log_softmax import LogSoftmax, by_class

SIZES = [(1, 1, 1), (5, 64, 10), (3, 24, 2), (2, 17, 9), (4, 64, 15), (2, 64, 16), (2, 64, 100)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("runs", "batch", "classes"), SIZES)
def test_values_and_gradients_have_the_bits_of_autograd(
    runs: int, batch: int, classes: int, dtype: torch.dtype
) -> None:
    generator = torch.Generator().manual_seed(1)
    outputs, gradient = torch.randn(2, runs, batch, classes, generator=generator, dtype=dtype)
    outputs[0, 0] = 1000
    outputs.requires_grad_()
    expected = functional.log_softmax(outputs, 2)
    (expected_gradient,) = torch.autograd.grad(expected, outputs, gradient)
    found = LogSoftmax(outputs.detach())
    assert torch.equal(found.values, expected)
    assert found.values.is_contiguous()
    assert torch.equal(found.backward(gradient), expected_gradient)


def test_outputs_that_are_not_finite_give_what_autograd_gives() -> None:
    outputs = torch.randn(1, 64, 10, generator=torch.Generator().manual_seed(0))
    for row, value in enumerate((torch.inf, -torch.inf, torch.nan)):
        outputs[0, row, 3] = value
    found, expected = LogSoftmax(outputs).values, functional.log_softmax(outputs, 2)
    assert torch.equal(found.isnan(), expected.isnan())
    assert torch.equal(found.nan_to_num(), expected.nan_to_num())


def test_a_kernel_that_rounds_otherwise_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    forward = log_softmax._forward

    def rounded(outputs: torch.Tensor, *, by_class: bool) -> torch.Tensor:
        found = forward(outputs, by_class=by_class)
        return torch.nextafter(found, torch.zeros(())) if by_class else found

    monkeypatch.setattr(log_softmax, "_forward", rounded)
    by_class.cache_clear()
    assert not by_class(64, 10, torch.float32)
    by_class.cache_clear()
