"""A network by torch.compile: one model and its loss as generated code, forward and backward."""

from __future__ import annotations

import warnings
from functools import cache
from types import FunctionType
from typing import TYPE_CHECKING, Any

import torch

from optbench.training.precision import autocast
from optbench.training.refusal import refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

    from optbench.config.spec import Setting
    from optbench.training.losses import Loss
    from optbench.training.network import Batch
    from optbench.training.precision import Amp

    Computed = tuple[Tensor, Tensor]  # a batch's mean loss and its outputs [batch, classes]

OPTIONS: dict[str, Any] = {
    "fallback_random": True,  # dropout draws what it draws in a plain loop
    "cpp.threads": 1,  # whatever torch's number is while compiling: bits must not hang on it
    "compile_threads": 1,  # no pool of processes beside the workers
}
CUDA_OPTIONS: dict[str, Any] = {**OPTIONS, "triton.cudagraphs": True}
REMEDY = "Install a C++ compiler, or name one in $CXX, or leave compile out."


class Compiled:
    """One model; a batch of another size is compiled anew, once: the last of an epoch.

    Evaluation is not compiled: it is a small part of a training, and has sizes of its own.
    """

    def __init__(
        self, model: nn.Module, loss: Loss, device: torch.device, amp: Amp | None = None
    ) -> None:
        self.model = model
        self.amp = amp
        self.parameters = list(model.parameters())
        self.graphs = device.type == "cuda"
        self._compute = _compiled(model, loss, device, amp)

    @torch.no_grad()
    def outputs(self, inputs: Tensor) -> list[Tensor]:
        self.model.eval()
        with autocast(self.amp):
            outputs: Tensor = self.model(inputs)
        self.model.train()
        return [outputs]

    def differentiate(self, batches: Sequence[Batch]) -> tuple[Tensor, Tensor]:
        ((inputs, targets),) = batches
        for parameter in self.parameters:
            parameter.grad = None
        if self.graphs:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        loss, outputs = self._compute(inputs, targets)
        torch.autograd.backward(loss if self.amp is None else self.amp.scaled(loss))
        loss, outputs = loss.detach().unsqueeze(0), outputs.detach().unsqueeze(0)
        if self.graphs:  # the next step writes into the same memory
            return loss.clone(), outputs.clone()
        return loss, outputs


def check_compiler(setting: Setting, device: torch.device) -> None:
    """Raises at the line of `compile: true` where torch.compile doesn't work on this machine.

    Tries it, once a process; a setting without that key costs nothing.
    """
    if not setting.training.get("compile"):
        return
    fault = _fault(device)
    if fault is None:
        return
    refuse(setting, "compile", f"can't be true here: {fault}", REMEDY)


def _compiled(
    model: nn.Module, loss: Loss, device: torch.device, amp: Amp | None
) -> Callable[[Tensor, Tensor], Computed]:
    def compute(inputs: Tensor, targets: Tensor) -> Computed:
        # Inside, as backward is compiled under what surrounds the call, and is called without.
        with autocast(amp):
            outputs = model(inputs)
        return loss(outputs, targets), outputs

    # torch counts compilations by code object, gives up after eight and goes on without: a copy
    # of it for each run keeps a run from depending on those before it.
    own = FunctionType(compute.__code__.replace(), globals(), closure=compute.__closure__)
    return _with_compiler(own, device)


def _with_compiler(function: Callable[..., Any], device: torch.device) -> Callable[..., Any]:
    options = CUDA_OPTIONS if device.type == "cuda" else OPTIONS
    return torch.compile(function, dynamic=False, options=options)


@cache
def _fault(device: torch.device) -> str | None:
    """What torch.compile says of this machine; None if it works."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _with_compiler(lambda x: x + 1, device)(torch.ones(2, device=device))
    except Exception as error:  # noqa: BLE001  (whatever compilers and torch raise)
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        told = (line for line in lines if not line.endswith("raised:"))
        return next(told, type(error).__name__)
    return None
