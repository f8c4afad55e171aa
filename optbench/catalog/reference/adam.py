"""Adam (Kingma & Ba 2015), with its bias correction or without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class Adam(Textbook):
    """Steps along a running mean m of the gradients, over the root of that of their squares, v.

        g ← g + λθ                          λ: weight_decay (L2 regularization)
        m ← β₁·m + (1 − β₁)·g               β₁, β₂: betas; m and v start at 0
        v ← β₂·v + (1 − β₂)·g²
        m̂ = m / (1 − β₁ᵗ)                   t: the step, from 1
        v̂ = v / (1 − β₂ᵗ)
        θ ← θ − lr·m̂ / (√v̂ + ε)             ε: eps

    All have the parameter's shape, and squares, roots and quotients go by element. The first
    step is lr·sign(g). Without `bias_correction` m̂ is m and v̂ is v, and the first step is
    (1 − β₁)/√(1 − β₂) times as long: 3.2 times by default.

    Source: Kingma & Ba, "Adam: A Method for Stochastic Optimization" (ICLR 2015), algorithm 1;
    the correction is derived in section 3 and left out in section 6.4.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        bias_correction: bool = True,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            bias_correction=bias_correction,
            maximize=maximize,
        )

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:
        beta1, beta2 = group["betas"]
        g = g + group["weight_decay"] * theta
        t = memory["t"] = memory.get("t", 0) + 1
        m = memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
        v = memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g**2
        if group["bias_correction"]:
            m = m / (1 - beta1**t)
            v = v / (1 - beta2**t)
        theta -= group["lr"] * m / (v.sqrt() + group["eps"])
