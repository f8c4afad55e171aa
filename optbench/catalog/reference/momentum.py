"""SGD with momentum as torch has it: the learning rate outside the velocity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class Momentum(Textbook):
    """Steps along a velocity v, the decaying sum of past gradients.

        g ← g + λθ                          λ: weight_decay
        v ← μ·v + (1 − τ)·g                 μ: momentum, τ: dampening; the first v is g, whole
        θ ← θ − lr·v

    All have the parameter's shape. v holds gradients, so that a changed learning rate counts at
    once for all of them; `reference.classical_momentum` has it inside, where it counts for later
    gradients only. While the learning rate stays the same, the two walk one path.

    Source: torch.optim.SGD's documentation; Polyak 1964 is the other convention.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        momentum: float = 0.9,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            maximize=maximize,
        )

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:
        g = g + group["weight_decay"] * theta
        if "v" in memory:
            memory["v"] = group["momentum"] * memory["v"] + (1 - group["dampening"]) * g
        else:
            memory["v"] = g
        theta -= group["lr"] * memory["v"]
