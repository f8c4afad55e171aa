"""Classical momentum, as tutorials write it: the learning rate inside the velocity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class ClassicalMomentum(Textbook):
    """Steps by a velocity v that has the learning rate of each gradient inside.

        g ← g + λθ                          λ: weight_decay
        v ← μ·v − lr·g                      μ: momentum; v starts at 0
        θ ← θ + v

    All have the parameter's shape. After the learning rate drops, v still carries the larger
    steps of before: that is the difference from `reference.momentum` and torch.

    Source: Sutskever, Martens, Dahl & Hinton, "On the importance of initialization and momentum
    in deep learning" (ICML 2013), equations 1 and 2; Polyak 1964.
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
        memory["v"] = group["momentum"] * memory.get("v", 0) - group["lr"] * g
        theta += memory["v"]
