"""Optimizers that are each broken in one respect, for `optbench check` to find."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn
    from torch.optim.optimizer import ParamsT


class Sound(torch.optim.Optimizer):
    """Gradient descent with momentum and nothing wrong with it."""

    def __init__(self, params: ParamsT, lr: float = 0.03) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.move(parameter, parameter.grad, group)
        return loss

    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        memory = self.memory(parameter)
        before = memory.get("velocity")
        memory["velocity"] = gradient.clone() if before is None else 0.9 * before + gradient
        parameter.add_(memory["velocity"], alpha=-group["lr"])

    def memory(self, parameter: nn.Parameter) -> dict[str, Any]:
        found: dict[str, Any] = self.state[parameter]
        return found


class NeedsLr(Sound):
    def __init__(self, params: ParamsT, lr: float) -> None:
        super().__init__(params, lr)


class NeedsMore(Sound):
    def __init__(self, params: ParamsT, horizon: int, lr: float = 0.03) -> None:
        super().__init__(params, lr)
        self.horizon = horizon


class Wraps(Sound):
    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        super().__init__(optimizer.param_groups)


class Raises(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        raise RuntimeError("not today")


class Still(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        pass


class Forgets(Sound):
    """Keeps its momentum where state_dict doesn't look."""

    def __init__(self, params: ParamsT, lr: float = 0.03) -> None:
        super().__init__(params, lr)
        self.hidden: dict[nn.Parameter, dict[str, Any]] = {}

    def memory(self, parameter: nn.Parameter) -> dict[str, Any]:
        return self.hidden.setdefault(parameter, {})


class KeepsDeque(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        self.memory(parameter).setdefault("past", deque(maxlen=3)).append(gradient)
        super().move(parameter, gradient, group)


class KeepsText(Sound):
    """Not broken: torch's own `load_state_dict` makes of its text that of a generator."""

    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        ahead = self.memory(parameter).setdefault("phase", "ahead") == "ahead"
        super().move(parameter, gradient if ahead else -gradient, group)


class BreaksOnceLoaded(Sound):
    def load_state_dict(self, state_dict: Any) -> None:
        super().load_state_dict({**state_dict, "state": {}, "param_groups": []})


class DrawsFromPython(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        super().move(parameter, gradient * random.random(), group)


class DrawsFromTheSystem(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        super().move(parameter, gradient * random.SystemRandom().random(), group)


class DrawsFromTorch(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        super().move(parameter, gradient + 0.01 * torch.randn_like(gradient), group)


class IgnoresLr(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        super().move(parameter, gradient, self.defaults)


class WithoutLr(Sound):
    def __init__(self, params: ParamsT) -> None:
        torch.optim.Optimizer.__init__(self, params, {})

    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        super().move(parameter, gradient, {"lr": 0.03})


class RefusesGroups(Sound):
    def __init__(self, params: ParamsT, lr: float = 0.03) -> None:
        super().__init__(params, lr)
        if len(self.param_groups) > 1:
            raise ValueError("one group, please")


class DecaysAll(Sound):
    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.mul_(1 - 0.01 * group["lr"])
        return super().step(closure)


class WantsEveryGradient(Sound):
    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            sum(parameter.grad.sum() for parameter in group["params"])
        return super().step(closure)


class RaisesAtNaN(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        if gradient.isnan().any():
            raise FloatingPointError("NaN")
        super().move(parameter, gradient, group)


class SkipsNaN(Sound):
    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        every = [p.grad for group in self.param_groups for p in group["params"]]
        if any(gradient is not None and gradient.isnan().any() for gradient in every):
            return None
        return super().step(closure)


class HidesNaN(Sound):
    """Sign momentum: NaN for ever where it once was, and torch's sign of that is 0."""

    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        memory = self.memory(parameter)
        memory["average"] = 0.9 * memory.get("average", 0) + 0.1 * gradient
        parameter.add_(memory["average"].sign(), alpha=-group["lr"])


class HidesNaNElsewhere(HidesNaN, Forgets):
    pass


class KeepsNaN(Sound):
    """Descends along what is finite, and keeps a NaN that nothing comes of."""

    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        memory = self.memory(parameter)
        memory["seen"] = [[memory["seen"][0][0] + gradient] if "seen" in memory else [gradient]]
        super().move(parameter, gradient.nan_to_num(), group)


class ZeroesNaN(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        super().move(parameter, gradient.nan_to_num(), group)


class OnlyMatrices(Sound):
    def __init__(self, params: ParamsT, lr: float = 0.03) -> None:
        super().__init__(params, lr)
        if any(p.ndim != 2 for group in self.param_groups for p in group["params"]):
            raise ValueError("matrices only")


class NoScalars(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        super().move(parameter, gradient * len(gradient) / len(gradient), group)


class IgnoresSparse(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        if not gradient.is_sparse:
            super().move(parameter, gradient, group)


class MovesAllRows(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        super().move(parameter, gradient.to_dense().sign(), group)
        parameter.sub_(1e-3 * group["lr"])


class KeepsTheLoss(Sound):
    def step(self, closure: Any = None) -> Any:
        super().step(closure)


class ReturnsAnother(Sound):
    def step(self, closure: Any = None) -> Any:
        found = super().step(closure)
        return None if found is None else 2 * found


class NeverAsks(Sound):
    def step(self, closure: Any = None) -> Any:
        return super().step()


class TakesNoClosure(Sound):
    def step(self) -> Any:  # type: ignore[override]
        return super().step()


class SecretlyNeedsClosure(Sound):
    def step(self, closure: Any = None) -> Any:
        if closure is None:
            raise ValueError("where is the closure?")
        return super().step(closure)


class ScheduleFree(Sound):
    """Means another point than the one it trains (Defazio et al. 2024), and swaps them."""

    def train(self) -> None:
        pass

    def eval(self) -> None:
        pass


class NeverGoesBack(ScheduleFree):
    """Trains no more once it was evaluated."""

    def train(self) -> None:
        self.param_groups[0]["trains"] = "evaluated" not in self.param_groups[0]

    def eval(self) -> None:
        self.param_groups[0]["evaluated"] = True

    def step(self, closure: Any = None) -> Any:
        if not self.param_groups[0]["trains"]:
            raise RuntimeError("not in train mode")
        return super().step(closure)


class SharesSteps(Sound):
    """Its learning rate falls with the steps of all of its class."""

    taken: ClassVar[dict[str, int]] = {"steps": 0}

    def __init__(self, params: ParamsT, lr: float = 0.03) -> None:
        super().__init__(params, lr)
        self.taken["steps"] = 0

    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        self.taken["steps"] += 1
        super().move(parameter, gradient / (1 + 0.01 * self.taken["steps"]), group)


class ChangesSettings(Sound):
    """Changes what all of a process share, after each of its steps."""

    def step(self, closure: Any = None) -> Any:
        found = super().step(closure)
        torch.set_num_threads(2)
        torch.manual_seed(0)
        return found


class Dies(Sound):
    """At a NaN, of a signal."""

    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        if gradient.isnan().any():
            os.kill(os.getpid(), signal.SIGSEGV)
        super().move(parameter, gradient, group)


class DiesOfMatrices(Dies, OnlyMatrices):
    pass


class Exits(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        sys.stdout.write("good bye\n")
        if gradient.isnan().any():
            sys.exit(7)
        super().move(parameter, gradient, group)


class Hangs(Sound):
    def move(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        while gradient.isnan().any():
            pass
        super().move(parameter, gradient, group)
