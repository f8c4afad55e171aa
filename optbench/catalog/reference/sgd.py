"""Stochastic gradient descent (Robbins & Monro 1951) with L2 regularization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.reference.textbook import Group, Memory, Textbook

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT


class SGD(Textbook):
    """A step against the gradient g of a mini-batch and of the penalty ½·λ·‖θ‖².

        g ← g + λθ                          λ: weight_decay
        θ ← θ − lr·g

    All have the parameter's shape. The same as θ ← (1 − lr·λ)·θ − lr·g: for plain SGD, L2
    regularization and weight decay are one (Loshchilov & Hutter 2019, proposition 1).

    Source: Bottou, Curtis & Nocedal, "Optimization Methods for Large-Scale Machine Learning"
    (SIAM Review 2018), algorithm 4.1; Robbins & Monro 1951.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay, maximize=maximize)

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:  # noqa: ARG002
        g = g + group["weight_decay"] * theta
        theta -= group["lr"] * g
