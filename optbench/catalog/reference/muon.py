"""Muon (Jordan et al. 2024) for matrices, AdamW for everything else."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Literal

import torch

from optbench.catalog.reference.adamw import AdamW
from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT

A, B, C = 3.4445, -4.7750, 2.0315  # steep at 0, so that small singular values grow fast


class Muon(AdamW):
    """Steps of a matrix along its momentum M with all singular values made about 1.

        M ← μ·M + (1 − μ)·G                 μ: momentum; M starts at 0
        U = (1 − μ)·G + μ·M                 M itself without `nesterov`
        O = NewtonSchulz(U)                 near the orthogonal matrix nearest to U
        Θ ← (1 − lr·λ)·Θ − lr·s·O           λ: weight_decay

    G, M, U and O have the matrix's shape [rows, columns]; a filter of more dimensions is one
    with a row for each output. The scale s is √max(1, rows/columns) for `original`, and
    0.2·√max(rows, columns) for `match_rms_adamw`, with which O's root mean square is like that
    of AdamW's steps: so one learning rate suits both. Vectors and scalars, and groups with
    `orthogonalize: false` (embeddings, the last layer), get AdamW's step.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024);
    the scale: Liu et al., "Muon is Scalable for LLM Training" (2025), section 2.2;
    torch.optim.Muon's documentation.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
        adjust_lr_fn: Literal["match_rms_adamw", "original"] = "match_rms_adamw",
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        orthogonalize: bool = True,
        maximize: bool = False,
    ) -> None:
        Textbook.__init__(  # AdamW's own takes fewer
            self,
            params,
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            ns_steps=ns_steps,
            adjust_lr_fn=adjust_lr_fn,
            betas=betas,
            eps=eps,
            orthogonalize=orthogonalize,
            maximize=maximize,
        )

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:
        if theta.ndim < 2 or not group["orthogonalize"]:
            super().update(theta, g, memory, group)
            return
        lr, mu = group["lr"], group["momentum"]
        m = memory["m"] = mu * memory.get("m", 0) + (1 - mu) * g
        u = (1 - mu) * g + mu * m if group["nesterov"] else m
        o = newton_schulz(u.flatten(1), group["ns_steps"])
        theta *= 1 - lr * group["weight_decay"]
        scale = _scale(o.shape[0], o.shape[1], group["adjust_lr_fn"])
        theta -= lr * scale * o.reshape(theta.shape)


def newton_schulz(u: Tensor, steps: int) -> Tensor:
    """About U·Vᵀ of a matrix [rows, columns] with the singular value decomposition U·S·Vᵀ.

        X ← X / ‖X‖,  then  X ← a·X + (b·P + c·P²)·X  with P = X·Xᵀ,  steps times

    which leaves the singular vectors alone and brings the values between 0.7 and 1.2, those near 0
    excepted. In bfloat16, as that is all the precision it needs; the type is U's again in the end.
    """
    tall = u.shape[0] > u.shape[1]
    x = u.to(torch.bfloat16)
    x = x.T if tall else x  # P is the smaller of both products
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(steps):
        p = x @ x.T
        q = torch.addmm(p, p, p, beta=B, alpha=C)  # b·P + c·P², rounded once
        x = torch.addmm(x, q, x, beta=A)
    return (x.T if tall else x).to(u.dtype)


def _scale(rows: int, columns: int, adjust_lr_fn: str) -> float:
    if adjust_lr_fn == "original":
        return sqrt(max(1, rows / columns))
    return 0.2 * sqrt(max(rows, columns))
