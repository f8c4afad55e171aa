"""torch's fused optimizers on the CPU, stepped without the Python around their kernels.

A step of `torch.optim.Adam` takes 65 µs for the tutorials' network, half of which is Python that
looks up each time what stays the same. Here a kernel gets the tensors that `step` would give it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch.optim import SGD, Adam, AdamW

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor
    from torch.optim import Optimizer


class Stepper:
    """Steps an optimizer: by its own `step`, or by its kernels once its state is there.

    Parameters and state get the same bits either way. An optimizer that isn't one of torch's
    own, and a step for which not all gradients are there, always takes the first; so does any
    that may have `own_code` about it, which could wait for its `step` to be called.
    """

    def __init__(self, optimizer: Optimizer, *, own_code: bool = False) -> None:
        self.optimizer = optimizer
        self._make = None if own_code else _kernel_of(optimizer)
        self._kernels: list[_Kernel] = []

    def step(self) -> None:
        """As `Optimizer.step` without a closure."""
        found = [_gradients(kernel) for kernel in self._kernels]
        gradients = [its for its in found if its is not None]
        if not gradients or len(gradients) < len(found):
            self.optimizer.step()
            self._kernels = self._made()
            return
        before = torch.is_grad_enabled()
        torch._C._set_grad_enabled(False)  # torch.no_grad() takes five times as long
        try:
            for kernel, its in zip(self._kernels, gradients, strict=True):
                kernel.step(its)
        finally:
            torch._C._set_grad_enabled(before)

    def _made(self) -> list[_Kernel]:
        """A kernel for each parameter group; none where some parameter has no state yet."""
        if self._make is None:
            return []
        try:
            return [self._make(self.optimizer, group) for group in self.optimizer.param_groups]
        except KeyError:
            return []


class _Kernel(Protocol):
    """The update of one parameter group, whose hyperparameters it reads anew each step."""

    parameters: list[Tensor]

    def is_ready(self) -> bool: ...

    def step(self, gradients: list[Any]) -> None: ...


class _Adam:
    def __init__(self, optimizer: Optimizer, group: dict[str, Any]) -> None:
        self.group = group
        self.parameters = group["params"]
        states = [optimizer.state.get(parameter, {}) for parameter in self.parameters]
        names = ["exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if group["amsgrad"] else [])]
        moments = [[state[name] for state in states] for name in names]
        self.counter, counters = _side_by_side(states)
        self.state = moments[0], moments[1], [] if len(moments) == 2 else moments[2], counters
        decoupled = group["decoupled_weight_decay"]
        self.kernel = torch._fused_adamw_ if decoupled else torch._fused_adam_

    def is_ready(self) -> bool:
        return True

    def step(self, gradients: list[Any]) -> None:
        group = self.group
        beta1, beta2 = group["betas"]
        self.counter.add_(1)
        self.kernel(
            self.parameters,
            gradients,
            *self.state,
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=group["amsgrad"],
            maximize=group["maximize"],
        )


class _Sgd:
    def __init__(self, optimizer: Optimizer, group: dict[str, Any]) -> None:
        self.group = group
        self.parameters = group["params"]
        kept = self.parameters if group["momentum"] else []
        states = [optimizer.state.get(parameter, {}) for parameter in kept]
        self.buffers = [state["momentum_buffer"] for state in states]

    def is_ready(self) -> bool:
        """False where a schedule has just brought momentum in, whose state isn't there yet."""
        return bool(self.buffers) or not self.group["momentum"]

    def step(self, gradients: list[Any]) -> None:
        group = self.group
        torch._fused_sgd_(
            self.parameters,
            gradients,
            self.buffers if group["momentum"] else [],
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
            lr=group["lr"],
            dampening=group["dampening"],
            nesterov=group["nesterov"],
            maximize=group["maximize"],
            is_first_step=False,
        )


def _kernel_of(optimizer: Optimizer) -> Callable[..., _Kernel] | None:
    """What makes a group's kernel; None for an optimizer that is stepped by its own code alone."""
    made: dict[type, Callable[..., _Kernel]] = {Adam: _Adam, AdamW: _Adam, SGD: _Sgd}
    plain = all(
        group.get("fused")
        and not group.get("differentiable")
        and not any(isinstance(value, torch.Tensor) for value in group.values())
        and all(parameter.device.type == "cpu" for parameter in group["params"])
        and len({parameter.dtype for parameter in group["params"]}) == 1
        for group in optimizer.param_groups
    )
    return made.get(type(optimizer)) if plain else None


def _gradients(kernel: _Kernel) -> list[Tensor] | None:
    """None where one is missing, or the kernel can't take them."""
    found = []
    for parameter in kernel.parameters:
        gradient = parameter.grad
        if gradient is None:
            return None
        found.append(gradient)
    return found if kernel.is_ready() else None


def _side_by_side(states: Sequence[dict[str, Any]]) -> tuple[Tensor, list[Tensor]]:
    """The step counters of some parameters as one tensor, and they themselves, now its parts.

    All of them count together in one operation instead of one each.
    """
    whole = torch.stack([state["step"] for state in states])
    parts = list(whole.unbind())
    for state, part in zip(states, parts, strict=True):
        state["step"] = part
    return whole, parts
