"""Adamax (Kingma & Ba 2015): Adam with the infinity norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class Adamax(Textbook):
    """Steps along a running mean of the gradients, over the largest that is not yet forgotten, u.

        g ← g + λθ                          λ: weight_decay (L2 regularization)
        m ← β₁·m + (1 − β₁)·g               β₁, β₂: betas; m and u start at 0
        u ← max(β₂·u, |g| + ε)              ε: eps
        θ ← θ − lr / (1 − β₁ᵗ) · m / u      t: the step, from 1

    All have the parameter's shape, and operations go by element. u needs no bias correction.
    The paper has no ε, and divides 0 by 0 where no gradient ever came; torch adds it, as here.

    Source: Kingma & Ba, "Adam: A Method for Stochastic Optimization" (ICLR 2015), algorithm 2
    in section 7.1.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize
        )

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:
        beta1, beta2 = group["betas"]
        g = g + group["weight_decay"] * theta
        t = memory["t"] = memory.get("t", 0) + 1
        m = memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
        u = memory.get("u", torch.zeros_like(g))
        u = memory["u"] = torch.maximum(beta2 * u, g.abs() + group["eps"])
        theta -= group["lr"] / (1 - beta1**t) * m / u
