"""RMSprop (Tieleman & Hinton 2012): Adagrad that forgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class RMSprop(Textbook):
    """Steps divided by a running root mean square of the gradients.

        g ← g + λθ                          λ: weight_decay
        s ← α·s + (1 − α)·g²                α: alpha; s starts at 0
        θ ← θ − lr·g / (√s + ε)             ε: eps

    All have the parameter's shape, and squares, roots and quotients go by element. s starts at 0
    and isn't corrected for it, so that the first step is lr/√(1 − α)·sign(g): 10·lr by default.
    torch adds ε outside the root, as here; Graves (2013, equation 40) and TensorFlow inside.

    Source: Tieleman & Hinton, "Lecture 6.5: rmsprop" (Coursera 2012), with α = 0.9, without ε.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, maximize=maximize
        )

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:
        alpha = group["alpha"]
        g = g + group["weight_decay"] * theta
        s = memory["s"] = alpha * memory.get("s", 0) + (1 - alpha) * g**2
        theta -= group["lr"] * g / (s.sqrt() + group["eps"])
