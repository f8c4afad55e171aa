"""SGDW (Loshchilov & Hutter 2019): SGD with decoupled weight decay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class SGDW(Textbook):
    """SGD on the gradient alone; the weights decay beside it.

        v ← μ·v + g                         μ: momentum; v starts at 0
        θ ← (1 − lr·λ)·θ                    λ: weight_decay
        θ ← θ − lr·v

    All have the parameter's shape. As in `reference.adamw`, λ is multiplied by the learning rate,
    where the paper has the schedule alone. Without momentum it walks the path of SGD with
    L2 regularization (proposition 1); with momentum it doesn't, as v has no part of λθ.

    Source: Loshchilov & Hutter, "Decoupled Weight Decay Regularization" (ICLR 2019), algorithm 1.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, momentum=momentum, weight_decay=weight_decay, maximize=maximize
        )

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:
        v = g
        if group["momentum"]:
            v = memory["v"] = group["momentum"] * memory.get("v", 0) + g
        theta *= 1 - group["lr"] * group["weight_decay"]
        theta -= group["lr"] * v
