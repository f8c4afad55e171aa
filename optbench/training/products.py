"""Matrix products of linear layers on the CPU, by the library that is fastest for their size."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from optbench.training.slices import PITCH, empty_slices

# Multiplications from which oneDNN's product pays for its call. On CPUs that are not Intel's,
# MKL does without their widest instructions, and oneDNN takes 0.55 of its time.
WORTH_ONEDNN = 1_500_000

# Inputs up to which oneDNN is given the weights of several runs first: it rearranges its second
# factor at each call, and the inputs are the smaller one. Saves 4% of 64 inputs, 15% of 32.
FEW = 64

_ONEDNN = hasattr(torch.ops.mkldnn, "_linear_pointwise")  # not on every platform


def affine(inputs: Tensor, weight: Tensor, bias: Tensor, out: Tensor) -> None:
    """x Wᵀ + b into `[batch, out]` for inputs x `[batch, in]`, W `[out, in]`, b `[out]`."""
    if _pays(inputs, weight.shape[0]):
        out.copy_(_onednn(inputs, weight, bias))
    else:
        torch.addmm(bias, inputs, weight.t(), out=out)


def weight_gradient(gradient: Tensor, inputs: Tensor) -> Tensor:
    """gᵀ x `[out, in]` for gradients g `[batch, out]` at the outputs and inputs x `[batch, in]`."""
    if _pays(gradient, inputs.shape[1]):
        return _onednn(gradient.t(), inputs.t())
    return gradient.t().mm(inputs)


def input_gradient(gradient: Tensor, weight: Tensor, out: Tensor) -> None:
    """g W into `[batch, in]` for gradients g `[batch, out]` at the outputs, W `[out, in]`."""
    if _pays(gradient, weight.shape[1]):
        out.copy_(_onednn(gradient, weight.t()))
    else:
        torch.mm(gradient, weight, out=out)


def shared_affine(inputs: Tensor, weights: Tensor, biases: Tensor, out: Tensor) -> None:
    """`affine` of runs that share their inputs, into `[runs, batch, out]`, where `can_share`.

    Weights `[runs, out, in]` without gaps, biases `[runs * out]`.
    """
    runs, width, _ = weights.shape
    if len(inputs) > FEW:
        product = _onednn(inputs, weights.flatten(0, 1), biases)
        out.copy_(product.view(-1, runs, width).transpose(0, 1))
        return
    product = _onednn(weights.flatten(0, 1), inputs)
    torch.add(product.view(runs, width, -1).transpose(1, 2), biases.view(runs, 1, width), out=out)


def shared_weight_gradients(gradients: Tensor, inputs: Tensor) -> Tensor:
    """`weight_gradient` of runs that share their inputs, `[runs, out, in]`, where `can_share`.

    Gradients `[runs, batch, out]`.
    """
    runs, _, width = gradients.shape
    rows = gradients.transpose(1, 2).reshape(runs * width, -1)
    return _onednn(rows, inputs.t()).view(runs, width, -1)


def affine_each(inputs: Tensor, weights: Tensor, biases: Tensor, out: Tensor) -> None:
    """`affine` of several runs in one call, into `[runs, batch, out]`, where `can_batch`.

    Inputs `[runs, batch, in]`, weights `[runs, out, in]`, biases `[runs, out]`.
    """
    torch.baddbmm(biases.unsqueeze(1), inputs, weights.transpose(1, 2), out=out)


def weight_gradients(gradients: Tensor, inputs: Tensor) -> Tensor:
    """`weight_gradient` of several runs in one call, `[runs, out, in]`, where `can_batch`.

    Gradients `[runs, batch, out]`, inputs `[runs, batch, in]`.
    """
    return torch.bmm(gradients.transpose(1, 2), inputs)


def input_gradients(gradients: Tensor, weights: Tensor, out: Tensor) -> None:
    """`input_gradient` of several runs in one call, into `[runs, batch, in]`, where `can_batch`."""
    torch.bmm(gradients, weights, out=out)


@cache
def can_batch(runs: int, batch: int, width: int, size: int, dtype: torch.dtype) -> bool:
    """Whether MKL's call for several products gives each the bits of a call of its own.

    For runs with weights `[width, size]`; tried on random numbers, as for `can_share`.
    """
    inputs = empty_slices(runs, batch, size, dtype)
    if runs == 1 or width * size % PITCH or _pays(inputs.runs[0], width):
        return False
    generator = torch.Generator().manual_seed(0)
    inputs.whole.normal_(generator=generator)
    weights = torch.randn(runs, width, size, generator=generator, dtype=dtype)
    biases = torch.randn(runs, width, generator=generator, dtype=dtype)
    out, outs = (empty_slices(runs, batch, width, dtype) for _ in range(2))
    back, backs = (empty_slices(runs, batch, size, dtype) for _ in range(2))
    affine_each(inputs.whole, weights, biases, outs.whole)
    input_gradients(outs.whole, weights, backs.whole)
    gradients = []
    for x, weight, bias, y, z in zip(
        inputs.runs, weights, biases, out.runs, back.runs, strict=True
    ):
        affine(x, weight, bias, y)
        input_gradient(y, weight, z)
        gradients.append(weight_gradient(y, x))
    return (
        torch.equal(out.whole, outs.whole)
        and torch.equal(back.whole, backs.whole)
        and torch.equal(torch.stack(gradients), weight_gradients(outs.whole, inputs.whole))
    )


@cache
def can_share(runs: int, batch: int, width: int, size: int, dtype: torch.dtype) -> bool:
    """Whether one product for runs with weights `[width, size]` gives each the bits of its own.

    One takes 60 µs a run where several take 70, but a library may cut a wider product otherwise,
    and then sum in another order: so each size is tried, on random numbers, before it is used.
    """
    inputs = torch.empty(batch, size, dtype=dtype)
    if runs == 1 or width * size % PITCH or not _pays(inputs, width):
        return False
    generator = torch.Generator().manual_seed(0)
    inputs.normal_(generator=generator)
    weights = torch.randn(runs, width, size, generator=generator)
    biases = torch.randn(runs, width, generator=generator)
    together, alone = torch.empty(2, runs, batch, width)
    shared_affine(inputs, weights, biases.flatten(), together)
    for run in range(runs):
        affine(inputs, weights[run], biases[run], alone[run])
    gradients = shared_weight_gradients(together, inputs)
    each = [weight_gradient(gradient, inputs) for gradient in together]
    return torch.equal(together, alone) and torch.equal(gradients, torch.stack(each))


def _pays(factor: Tensor, size: int) -> bool:
    """For a product with a matrix of which one side, not shared with `factor`, has this size.

    A function of the sizes alone, so that a run's bits depend on nothing else.
    """
    return factor.numel() * size >= WORTH_ONEDNN and _ONEDNN and factor.dtype == torch.float32


def _onednn(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """a bᵀ, plus the bias."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise.default(a, b, bias, "none", [], "")
    return product
