"""Gradient descent (Cauchy 1847), the rule that all others change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class GradientDescent(Textbook):
    """A step against the gradient g, of which it remembers nothing.

        θ ← θ − lr·g

    θ and g have the parameter's shape. With the gradient of all examples (a batch as large as
    the data) this is gradient descent; with that of a mini-batch it is SGD.

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), equation 4.5; Cauchy 1847.
    """

    def __init__(self, params: ParamsT, lr: float = 1e-3, maximize: bool = False) -> None:
        super().__init__(params, lr=lr, maximize=maximize)

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:  # noqa: ARG002
        theta -= group["lr"] * g
