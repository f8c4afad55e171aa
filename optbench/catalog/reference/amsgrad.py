"""AMSGrad (Reddi, Kale & Kumar 2018): Adam whose steps never grow back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class AMSGrad(Textbook):
    """Adam over the root of the largest second moment so far, w, instead of the latest, v.

        g ← g + λθ                          λ: weight_decay (L2 regularization)
        m ← β₁·m + (1 − β₁)·g               β₁, β₂: betas; m, v and w start at 0
        v ← β₂·v + (1 − β₂)·g²

    and, by `correction`, with t the step from 1,

        none     w ← max(w, v)              θ ← θ − lr·m / (√w + ε)
        after    w ← max(w, v)              θ ← θ − lr·m̂ / (√(w / (1 − β₂ᵗ)) + ε)
        before   w ← max(w, v / (1 − β₂ᵗ))  θ ← θ − lr·m̂ / (√w + ε)

    where m̂ = m / (1 − β₁ᵗ). All have the parameter's shape, and operations go by element. `none`
    is the paper's algorithm, there without ε; `after` torch's, whose divisor may shrink while the
    correction fades; `before` takes the maximum of what Adam would divide by, so that a large
    first gradient is remembered at its full size for ever.

    Source: Reddi, Kale & Kumar, "On the Convergence of Adam and Beyond" (ICLR 2018), algorithm 2;
    torch.optim.Adam's documentation for amsgrad.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        correction: Literal["none", "after", "before"] = "after",
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            correction=correction,
            maximize=maximize,
        )

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:
        (beta1, beta2), correction = group["betas"], group["correction"]
        g = g + group["weight_decay"] * theta
        t = memory["t"] = memory.get("t", 0) + 1
        m = memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
        v = memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g**2
        if correction != "none":
            m = m / (1 - beta1**t)
        if correction == "before":
            v = v / (1 - beta2**t)
        w = memory["w"] = torch.maximum(memory.get("w", torch.zeros_like(v)), v)
        if correction == "after":
            w = w / (1 - beta2**t)
        theta -= group["lr"] * m / (w.sqrt() + group["eps"])
