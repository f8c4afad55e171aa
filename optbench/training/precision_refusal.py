"""Whether a machine has the types of numbers that a setting asks for."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING

import torch

from optbench.config.spec import FLOAT32
from optbench.training.precision import Amp, autocast, mixed_precision, number_type
from optbench.training.refusal import refuse
from optbench.training.stacking import calls_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.optim import Optimizer

    from optbench.config.spec import Setting

REMEDY = "leave it out, or write device: cpu"


def check_precision(setting: Setting, device: torch.device, optimizer: Optimizer) -> None:
    """Raises at the line of `dtype` or `amp` where the device or the optimizer can't do that.

    Each type is tried once a process; a setting without these keys costs nothing.
    """
    if setting.dtype != FLOAT32 and (fault := _fault(number_type(setting), device)):
        refuse(setting, "dtype", f"can't be {setting.dtype} on {device.type}: {fault}", REMEDY)
    amp = mixed_precision(setting, device)
    if amp is None:
        return
    if amp.scaler is not None and calls_back(optimizer):
        name = type(optimizer).__name__
        message = f"can't be float16 with {name}, which evaluates losses that are not scaled"
        refuse(setting, "amp", message, "amp: bfloat16 scales none")
    if fault := _fault_of_amp(amp.dtype, device):
        refuse(setting, "amp", f"can't be {setting.amp} on {device.type}: {fault}", REMEDY)


@cache
def _fault(dtype: torch.dtype, device: torch.device) -> str | None:
    """What torch says of a product in that type; None if it works."""

    def multiply() -> None:
        ones = torch.ones(2, 2, dtype=dtype, device=device)
        ones.mm(ones)

    return _said(multiply)


@cache
def _fault_of_amp(dtype: torch.dtype, device: torch.device) -> str | None:
    def step() -> None:
        amp = Amp(dtype, device)
        weight = torch.ones(2, 2, device=device, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)
        with autocast(amp):
            product = weight.mm(weight)
        if product.dtype != dtype:
            raise TypeError(f"autocast computes in {product.dtype}")
        torch.autograd.backward(amp.scaled(product.float().mean()))
        amp.unscale(optimizer)

    return _said(step)


def _said(attempt: Callable[[], object]) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # torch goes on without what it can't do
            attempt()
    except Exception as error:  # noqa: BLE001  (whatever torch and drivers raise)
        return str(error).strip().partition("\n")[0] or type(error).__name__
    return None
