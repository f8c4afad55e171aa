"""AdamW (Loshchilov & Hutter 2019): Adam with decoupled weight decay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class AdamW(Textbook):
    """Adam on the gradient alone; the weights decay beside it, whatever their gradients.

        θ ← (1 − lr·λ)·θ                    λ: weight_decay
        m ← β₁·m + (1 − β₁)·g               β₁, β₂: betas; m and v start at 0
        v ← β₂·v + (1 − β₂)·g²
        m̂ = m / (1 − β₁ᵗ)                   t: the step, from 1
        v̂ = v / (1 − β₂ᵗ)
        θ ← θ − lr·m̂ / (√v̂ + ε)             ε: eps

    All have the parameter's shape, and squares, roots and quotients go by element. The paper
    multiplies λ by a schedule that starts at 1; torch, as here, by the learning rate itself,
    so that its λ is the paper's over the initial learning rate.

    Source: Loshchilov & Hutter, "Decoupled Weight Decay Regularization" (ICLR 2019), algorithm 2.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize
        )

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        theta *= 1 - lr * group["weight_decay"]
        t = memory["t"] = memory.get("t", 0) + 1
        m = memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
        v = memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        theta -= lr * m_hat / (v_hat.sqrt() + group["eps"])
