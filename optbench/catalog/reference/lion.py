"""Lion (Chen et al. 2023): steps of one size, in the direction of the momentum's signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class Lion(Textbook):
    """The sign of a mix of gradient and momentum; the momentum remembers longer than the mix.

        c = β₁·m + (1 − β₁)·g               β₁, β₂: betas; m starts at 0
        θ ← θ − lr·(sign(c) + λθ)           λ: weight_decay, decoupled
        m ← β₂·m + (1 − β₂)·g

    All have the parameter's shape, and signs go by element; sign(0) is 0. Every step moves each
    coordinate by lr, which wants to be 3 to 10 times smaller than Adam's (section 5 there).

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms" (NeurIPS 2023),
    algorithm 2. torch has none.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize)

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:
        beta1, beta2 = group["betas"]
        m = memory.get("m", 0)
        c = beta1 * m + (1 - beta1) * g
        # torch's sign of NaN is 0, and would hide a gradient that is none by standing still.
        sign = torch.where(c.isnan(), c, c.sign())
        theta -= group["lr"] * (sign + group["weight_decay"] * theta)
        memory["m"] = beta2 * m + (1 - beta2) * g
