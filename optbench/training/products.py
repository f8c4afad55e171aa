"""Matrix products of linear layers on the CPU, by the library that is fastest for their size."""

from __future__ import annotations

import torch
from torch import Tensor

# Multiplications from which oneDNN's product pays for its call. On CPUs that are not Intel's,
# MKL does without their widest instructions, and oneDNN takes 0.55 of its time.
WORTH_ONEDNN = 1_500_000

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


def _pays(factor: Tensor, size: int) -> bool:
    """For a product with a matrix of which one side, not shared with `factor`, has this size.

    A function of the sizes alone, so that a run's bits depend on nothing else.
    """
    return factor.numel() * size >= WORTH_ONEDNN and _ONEDNN and factor.dtype == torch.float32


def _onednn(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """a bᵀ, plus the bias."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise.default(a, b, bias, "none", [], "")
    return product
