"""The types of numbers that a run has and computes in."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

import torch

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch import Tensor, nn
    from torch.optim import Optimizer

    from optbench.config.spec import Setting


def number_type(setting: Setting) -> torch.dtype:
    """Of parameters and inputs."""
    found: torch.dtype = getattr(torch, setting.dtype)
    return found


def is_short(setting: Setting) -> bool:
    """Whether outputs have 16 bits: too few for a loss, which is computed in float32 then."""
    return number_type(setting).itemsize == 2 or setting.amp is not None


def in_its_type(setting: Setting, model: nn.Module) -> nn.Module:
    """The model with the setting's type of numbers; float32 leaves it as it was made."""
    dtype = number_type(setting)
    return model if dtype == torch.float32 else model.to(dtype)


class Amp:
    """Automatic mixed precision as torch.amp has it: float32 parameters, shorter products.

    float16 reaches down to 6e-8 only: its losses are scaled before they are differentiated, and
    steps whose gradients overflow are left out [Micikevicius et al., "Mixed precision training",
    2018].
    """

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        self.dtype, self.device = dtype, device
        self.scaler = torch.amp.GradScaler(device.type) if dtype == torch.float16 else None

    def scaled(self, loss: Tensor) -> Tensor:
        """What to differentiate."""
        return loss if self.scaler is None else self.scaler.scale(loss)

    def unscale(self, optimizer: Optimizer) -> None:
        """Give the gradients of a scaled loss their size, before anybody looks at them."""
        if self.scaler is not None:
            self.scaler.unscale_(optimizer)

    def state(self) -> dict[str, Any] | None:
        """The scale, as a checkpoint holds it."""
        return None if self.scaler is None else self.scaler.state_dict()

    def restore(self, state: dict[str, Any] | None) -> None:
        """Take up what `state` gave."""
        if self.scaler is not None and state is not None:
            self.scaler.load_state_dict(state)


def autocast(amp: Amp | None) -> AbstractContextManager[Any]:
    """What a batch goes through the model under."""
    return nullcontext() if amp is None else torch.autocast(amp.device.type, amp.dtype)


class ScaledStepper:
    """Steps an optimizer unless a gradient overflowed; adapts the scale to that."""

    def __init__(self, optimizer: Optimizer, scaler: torch.amp.GradScaler) -> None:
        self.optimizer = cast("Any", optimizer)
        self.scaler = scaler
        # Else it is torch's fused kernels that leave a step out, and SGD's, where that is the
        # first, goes on with momentum in memory that nobody has written to.
        self.optimizer._step_supports_amp_scaling = False

    def step(self) -> None:
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer._opt_called = True  # as schedules ask, which go on with a step left out


def mixed_precision(setting: Setting, device: torch.device) -> Amp | None:
    """What a run of the setting computes by; None where it has one type alone."""
    return None if setting.amp is None else Amp(getattr(torch, setting.amp), device)
