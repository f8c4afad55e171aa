"""One product for runs that share their inputs, against each run's own."""

from __future__ import annotations

import pytest
import torch

from optbench.training.products import (
    affine,
    can_share,
    shared_affine,
    shared_weight_gradients,
    weight_gradient,
)

SIZES = [(5, 64, 128, 784), (2, 32, 128, 784), (7, 64, 256, 900), (25, 33, 96, 1000)]


@pytest.mark.parametrize(("runs", "batch", "width", "size"), SIZES)
def test_what_can_be_shared_has_the_bits_of_each_runs_own_product(
    runs: int, batch: int, width: int, size: int
) -> None:
    if not can_share(runs, batch, width, size, torch.float32):
        pytest.skip("this processor's wide products round otherwise")
    generator = torch.Generator().manual_seed(1)
    inputs = torch.rand(batch, size, generator=generator)
    weights = torch.randn(runs, width, size, generator=generator) / 28
    biases = torch.randn(runs, width, generator=generator)
    gradients = torch.randn(runs, batch, width, generator=generator)
    together, alone = torch.empty(2, runs, batch, width)
    shared_affine(inputs, weights, biases.flatten(), together)
    found = shared_weight_gradients(gradients, inputs)
    for run in range(runs):
        affine(inputs, weights[run], biases[run], alone[run])
        assert torch.equal(found[run], weight_gradient(gradients[run], inputs))
    assert torch.equal(together, alone)


def test_a_product_that_rounds_otherwise_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    def summed_backwards(inputs: torch.Tensor, *given: torch.Tensor) -> None:
        weights, biases, out = given
        shared_affine(inputs.flip(1), weights.flip(2).contiguous(), biases, out)

    monkeypatch.setattr("optbench.training.products.shared_affine", summed_backwards)
    can_share.cache_clear()
    assert not can_share(5, 64, 128, 784, torch.float32)
    can_share.cache_clear()


@pytest.mark.parametrize(
    ("runs", "width", "dtype"),
    [(1, 128, torch.float32), (5, 2, torch.float32), (5, 128, torch.float64)],
)
def test_a_single_run_and_what_onednn_does_not_compute_share_nothing(
    runs: int, width: int, dtype: torch.dtype
) -> None:
    assert not can_share(runs, 64, width, 784, dtype)


def test_runs_whose_slices_would_not_be_aligned_share_nothing() -> None:
    assert not can_share(5, 64, 125, 785, torch.float32)
