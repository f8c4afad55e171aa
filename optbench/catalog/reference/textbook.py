"""The loop over parameters that every optimizer of this folder goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.optim import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor
    from torch.optim.optimizer import ParamsT

Memory = dict[str, Any]  # what an optimizer keeps of one parameter from step to step
Group = dict[str, Any]  # the hyperparameters of one parameter group


class Textbook(Optimizer):
    """One step of every parameter that has a gradient; subclasses say in `update` which step.

    Gradients are dense and real. With `maximize` their sign is turned, as torch's optimizers do.
    """

    def __init__(self, params: ParamsT, **hyperparameters: object) -> None:
        super().__init__(params, hyperparameters)

    def update(self, theta: Tensor, g: Tensor, memory: Memory, group: Group) -> None:
        """Change the parameter θ in place, given its gradient g of the same shape."""
        raise NotImplementedError

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update every parameter once; the loss where a closure computes it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for theta in group["params"]:
                if theta.grad is not None:
                    g = -theta.grad if group["maximize"] else theta.grad
                    self.update(theta, g, self.state[theta], group)
        return loss
