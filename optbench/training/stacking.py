"""Whether runs of a setting are trained together, and why not: by model and device alone.

Never by timing, or by how many runs there are: a run's numbers must not depend on its company.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from optbench.training import replay_refusal, vmap_refusal
from optbench.training.chain import is_chain
from optbench.training.losses import build_loss, build_training_loss, loss_name
from optbench.training.modes import has_modes
from optbench.training.precision import is_short
from optbench.training.trial import trial_batch

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from optbench.catalog.datasets.task import Task
    from optbench.config.spec import Setting

RECORDED = "by autograd's kernels, recorded once and started again"


@dataclass(frozen=True)
class Way:
    """How runs of a setting train: through which kind of network, and the reason.

    All but `chain`, `replay` and `vmap` train alone.
    """

    kind: Literal["chain", "replay", "vmap", "autograd", "compiled"]
    reason: str

    @property
    def stacked(self) -> bool:
        return self.kind in ("chain", "replay", "vmap")


def way(
    setting: Setting, model: nn.Module, optimizer: Optimizer, task: Task, batch_size: int
) -> Way:
    """The way of a setting's runs; its model is on the device where it is to train."""
    device = next(model.parameters()).device
    if setting.training.get("compile"):
        return Way("compiled", "torch.compile makes code for one model")
    if calls_back(optimizer):
        return Way("autograd", f"{type(optimizer).__name__} evaluates the loss itself")
    if has_modes(optimizer):
        return Way("autograd", f"{type(optimizer).__name__} evaluates other weights than it trains")
    if setting.has_own_loss:
        return Way("autograd", f"its loss {loss_name(setting)} may do something else in each step")
    if is_chain(model, build_loss(setting, task, device)):
        return Way("chain", "a chain of linear layers on the CPU")
    if hasattr(model, "after_step"):
        return Way("autograd", f"{type(model).__name__} does something of its own after a step")
    if setting.amp is not None:
        return Way("autograd", "torch.autocast chooses the type of each operation")
    if is_short(setting):
        return Way("autograd", f"nobody knows that {setting.dtype} rounds alike in company")
    loss, batch = build_training_loss(setting, task, device), trial_batch(setting, task, device)
    if device.type == "cpu":
        against = replay_refusal.refusal(model, loss, batch, batch_size)
        return Way("replay", RECORDED) if against is None else Way("autograd", against)
    against = vmap_refusal.refusal(model, loss, batch)
    return Way("vmap", "by vmap") if against is None else Way("autograd", against)


def calls_back(optimizer: Optimizer) -> bool:
    """Whether a step needs a closure that evaluates the loss, as L-BFGS's does."""
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    return closure is not None and closure.default is inspect.Parameter.empty
