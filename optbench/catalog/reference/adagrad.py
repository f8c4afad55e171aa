"""Adagrad (Duchi, Hazan & Singer 2011): a learning rate for each coordinate, ever smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class Adagrad(Textbook):
    """Steps divided by the root of the sum s of all squared gradients.

        g ← g + λθ                          λ: weight_decay
        s ← s + g²                          s starts at 0
        θ ← θ − lr·g / (√s + ε)             ε: eps

    All have the parameter's shape, and squares, roots and quotients go by element. The first
    step is lr·sign(g), whatever the size of g.

    Source: Duchi, Hazan & Singer, "Adaptive Subgradient Methods for Online Learning and
    Stochastic Optimization" (JMLR 2011), figure 1: H = δI + diag(√s).
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-2,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:
        g = g + group["weight_decay"] * theta
        s = memory["s"] = memory.get("s", 0) + g**2
        theta -= group["lr"] * g / (s.sqrt() + group["eps"])
