"""Nesterov's accelerated gradient, as torch has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class Nesterov(Textbook):
    """Momentum that takes the next step of its velocity v into account.

        g ← g + λθ                          λ: weight_decay
        v ← μ·v + g                         μ: momentum; v starts at 0
        θ ← θ − lr·(g + μ·v)

    All have the parameter's shape. Sutskever et al. take the gradient not at the parameters x
    but ahead of them: u ← μ·u − lr·∇f(x + μ·u), x ← x + u. Written down for the point ahead,
    θ = x + μ·u with u = −lr·v, that is the rule above, while the learning rate stays the same.

    Source: Bengio, Boulanger-Lewandowski & Pascanu, "Advances in optimizing recurrent networks"
    (ICASSP 2013); Sutskever et al. (ICML 2013), equations 3 and 4; Nesterov 1983.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, momentum=momentum, weight_decay=weight_decay, maximize=maximize
        )

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:
        g = g + group["weight_decay"] * theta
        v = memory["v"] = group["momentum"] * memory.get("v", 0) + g
        theta -= group["lr"] * (g + group["momentum"] * v)
