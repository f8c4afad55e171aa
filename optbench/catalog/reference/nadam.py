"""NAdam (Dozat 2016): Adam with Nesterov's momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class NAdam(Textbook):
    """Adam that takes the next step's momentum into account, which grows from β₁/2 to β₁.

        μₜ = β₁·(1 − ½·0.96^(t·ψ))          t: the step, from 1; ψ: momentum_decay
        πₜ = μ₁·…·μₜ
        g ← g + λθ                          λ: weight_decay (L2 regularization)
        m ← β₁·m + (1 − β₁)·g               β₁, β₂: betas; m and v start at 0
        v ← β₂·v + (1 − β₂)·g²
        d = √(v / (1 − β₂ᵗ)) + ε            ε: eps
        θ ← θ − lr·(1 − μₜ)/(1 − πₜ)·g / d − lr·μₜ₊₁/(1 − πₜ₊₁)·m / d

    m, v, g and θ have the parameter's shape, and operations go by element. As in torch and
    Keras, m decays by β₁; in the paper by μₜ.

    Source: Dozat, "Incorporating Nesterov Momentum into Adam" (ICLR workshop 2016), algorithm 2,
    with the schedule of Sutskever et al. (ICML 2013) that it suggests; torch.optim.NAdam's
    documentation.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
            maximize=maximize,
        )

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        g = g + group["weight_decay"] * theta
        t = memory["t"] = memory.get("t", 0) + 1
        mu, mu_next = (
            beta1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1)
        )
        product = memory["product"] = memory.get("product", 1.0) * mu
        m = memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
        v = memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g**2
        d = (v / (1 - beta2**t)).sqrt() + group["eps"]
        theta -= lr * (1 - mu) / (1 - product) * g / d
        theta -= lr * mu_next / (1 - product * mu_next) * m / d
