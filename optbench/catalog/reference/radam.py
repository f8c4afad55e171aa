"""RAdam (Liu et al. 2020): Adam that adapts only once its second moment can be trusted."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class RAdam(Textbook):
    """Momentum in the first steps, then Adam times a factor r that grows towards 1.

        g ← g + λθ                          λ: weight_decay (L2 regularization)
        m ← β₁·m + (1 − β₁)·g               β₁, β₂: betas; m and v start at 0
        v ← β₂·v + (1 − β₂)·g²
        m̂ = m / (1 − β₁ᵗ)                   t: the step, from 1
        ρ∞ = 2 / (1 − β₂) − 1               how many gradients v averages, at most
        ρ = ρ∞ − 2t·β₂ᵗ / (1 − β₂ᵗ)         and by now

        θ ← θ − lr·m̂                                    while ρ ≤ 5
        θ ← θ − lr·r·m̂·√(1 − β₂ᵗ) / (√v + ε)            from then on; ε: eps
        r = √((ρ − 4)(ρ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρ))

    m, v, g and θ have the parameter's shape, and operations go by element. With β₂ = 0.999 the
    first five steps are momentum's, whose size follows the gradient's. The paper's threshold is
    4, torch's is 5; torch adds an ε to √v, before its correction, and the paper none.

    Source: Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond" (ICLR 2020),
    algorithm 2; torch.optim.RAdam's documentation.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
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
        v = memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g**2
        step = group["lr"] * m / (1 - beta1**t)
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / (1 - beta2**t)
        if length > 5:
            r = sqrt(_spread(longest) / _spread(length))
            step = r * step * sqrt(1 - beta2**t) / (v.sqrt() + group["eps"])
        theta -= step


def _spread(length: float) -> float:
    """ρ / ((ρ − 4)(ρ − 2)): the variance of the adaptive learning rate, up to a constant."""
    return length / ((length - 4) * (length - 2))
