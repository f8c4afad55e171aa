"""Products of several runs in one call, against each run's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from plain_loop import one_thread

from optbench.training.products import (
    affine,
    affine_each,
    can_batch,
    can_share,
    input_gradient,
    input_gradients,
    shared_affine,
    shared_weight_gradients,
    weight_gradient,
    weight_gradients,
)
from optbench.training.slices import empty_slices

if TYPE_CHECKING:
    from collections.abc import Iterator


SIZES = [
    (5, 64, 128, 784),
    (5, 100, 128, 784),
    (2, 32, 128, 784),
    (7, 64, 256, 900),
    (25, 33, 96, 1000),
]


@pytest.fixture(autouse=True)
def single_thread() -> Iterator[None]:
    with one_thread():
        yield


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


BATCHED = [(5, 64, 10, 128), (2, 24, 10, 128), (25, 31, 8, 100), (3, 64, 32, 64), (7, 1, 32, 33)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("runs", "batch", "width", "size"), BATCHED)
def test_what_can_be_one_call_has_the_bits_of_each_runs_own_product(
    runs: int, batch: int, width: int, size: int, dtype: torch.dtype
) -> None:
    if not can_batch(runs, batch, width, size, dtype):
        pytest.skip("this processor's products round otherwise in one call")
    generator = torch.Generator().manual_seed(1)
    inputs, gradients = (
        empty_slices(runs, batch, size, dtype),
        empty_slices(runs, batch, width, dtype),
    )
    inputs.whole.normal_(generator=generator)
    gradients.whole.normal_(generator=generator)
    weights = torch.randn(runs, width, size, generator=generator, dtype=dtype) / 28
    biases = torch.randn(runs, width, generator=generator, dtype=dtype)
    out, outs = (empty_slices(runs, batch, width, dtype) for _ in range(2))
    back, backs = (empty_slices(runs, batch, size, dtype) for _ in range(2))
    affine_each(inputs.whole, weights, biases, outs.whole)
    input_gradients(gradients.whole, weights, backs.whole)
    found = weight_gradients(gradients.whole, inputs.whole)
    for run in range(runs):
        affine(inputs.runs[run], weights[run], biases[run], out.runs[run])
        input_gradient(gradients.runs[run], weights[run], back.runs[run])
        assert torch.equal(found[run], weight_gradient(gradients.runs[run], inputs.runs[run]))
    assert torch.equal(outs.whole, out.whole)
    assert torch.equal(backs.whole, back.whole)


def test_products_that_round_otherwise_are_no_single_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def summed_backwards(inputs: torch.Tensor, weights: torch.Tensor, *given: torch.Tensor) -> None:
        affine_each(inputs.flip(2), weights.flip(2), *given)

    monkeypatch.setattr("optbench.training.products.affine_each", summed_backwards)
    can_batch.cache_clear()
    assert not can_batch(5, 64, 10, 128, torch.float32)
    can_batch.cache_clear()


@pytest.mark.parametrize(("runs", "width", "size"), [(1, 10, 128), (5, 10, 127), (5, 128, 784)])
def test_single_runs_unaligned_weights_and_onednns_products_are_called_one_by_one(
    runs: int, width: int, size: int
) -> None:
    assert not can_batch(runs, 64, width, size, torch.float32)
