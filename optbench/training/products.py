"""Matrix products of linear layers on the CPU, by the library that is fastest for their size."""

from __future__ import annotations

import torch
from torch import Tensor

# Multiplications from which oneDNN's product pays for its call. On CPUs that are not Intel's,
# MKL does without their widest instructions, and oneDNN takes 0.55 of its time.
WORTH_ONEDNN = 1_500_000

_ONEDNN = hasattr(torch.ops.mkldnn, "_linear_pointwise")  # not on every platform


def affine(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x Wᵀ + b `[batch, out]` for inputs x `[batch, in]`, weights W `[out, in]`, bias b `[out]`."""
    if _pays(inputs, weight):
        return _onednn(inputs, weight, bias)
    return torch.addmm(bias, inputs, weight.t())


def weight_gradient(gradient: Tensor, inputs: Tensor) -> Tensor:
    """gᵀ x `[out, in]` for gradients g `[batch, out]` at the outputs and inputs x `[batch, in]`."""
    if _pays(gradient.t(), inputs.t()):
        return _onednn(gradient.t(), inputs.t())
    return gradient.t().mm(inputs)


def input_gradient(gradient: Tensor, weight: Tensor) -> Tensor:
    """g W `[batch, in]` for gradients g `[batch, out]` at the outputs and weights W `[out, in]`."""
    if _pays(gradient, weight.t()):
        return _onednn(gradient, weight.t())
    return gradient.mm(weight)


def _pays(a: Tensor, b: Tensor) -> bool:
    """For a bᵀ; a function of the sizes alone, so that a run's bits depend on nothing else."""
    return _ONEDNN and len(a) * a.shape[1] * len(b) >= WORTH_ONEDNN


def _onednn(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """a bᵀ, plus the bias."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise.default(a, b, bias, "none", [], "")
    return product
