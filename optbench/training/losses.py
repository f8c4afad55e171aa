"""The loss of a setting: of the catalog, or of one's own; and what is asked of the latter."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from optbench.catalog import plugins
from optbench.catalog.losses import LOSSES, OF_POSITIONS
from optbench.config.spec import display_name
from optbench.errors import UsageError
from optbench.training.functions import own_function, repeated
from optbench.training.named import blame
from optbench.training.precision import is_short, number_type
from optbench.training.trial import trial_batch

if TYPE_CHECKING:
    from optbench.catalog.datasets.task import Task
    from optbench.config.spec import Setting

Loss = Callable[..., Tensor]

SUMS = 0.01  # relative: how near to twice a loss is that adds up


def build_loss(setting: Setting, task: Task, device: torch.device) -> Loss:
    """The setting's loss: outputs and targets of a batch to their mean."""
    loss = _own_loss(setting, device) if setting.has_own_loss else _catalog_loss(setting, task)
    return _of_long(loss) if is_short(setting) else loss


def build_training_loss(setting: Setting, task: Task, device: torch.device) -> Loss:
    """What is minimized: the setting's loss, to smoothed labels where it says so."""
    loss, smoothing = build_loss(setting, task, device), setting.label_smoothing
    return partial(loss, label_smoothing=smoothing) if smoothing else loss


def _catalog_loss(setting: Setting, task: Task) -> Loss:
    entry = OF_POSITIONS if task.positions else LOSSES[str(setting.loss["name"])]
    return plugins.load(entry.target)


def _own_loss(setting: Setting, device: torch.device) -> Loss:
    """On a copy of the targets: they are the data's."""
    with blame(setting, "training", loss_name(setting), "loss"):
        own = own_function(setting, setting.loss, device)

    def on_copies(outputs: Tensor, targets: Tensor) -> Tensor:
        found: Tensor = own(outputs, targets.clone())
        return found

    return on_copies


def _of_long(loss: Loss) -> Loss:
    """The loss of outputs of 16 bits, in float32."""

    def in_float32(outputs: Tensor, targets: Tensor, **named: Any) -> Tensor:
        return loss(outputs.float(), targets, **named)

    return in_float32


def check_loss(setting: Setting, task: Task, device: torch.device) -> None:
    """Raises, at its line, where a loss of one's own is no mean over a batch to be minimized.

    It is tried on outputs between 0 and 1, and targets like the data's in shape and range.
    """
    if not setting.has_own_loss:
        return
    loss = build_loss(setting, task, device)
    _, targets = trial_batch(setting, task, device)
    outputs = torch.rand(
        (len(targets), *task.output_shape), generator=torch.Generator().manual_seed(1)
    )
    outputs = outputs.to(device, number_type(setting))
    with blame(setting, "training", loss_name(setting), "loss"):
        found = loss(outputs.requires_grad_(), targets)
        _check_number(found)
        repeated(lambda: loss(outputs, targets).item(), device)
        twice = loss(outputs.repeat(2, *[1] * (outputs.dim() - 1)), torch.cat([targets, targets]))
        value, doubled = found.item(), twice.item()
        if value and abs(doubled / value - 2) < SUMS:
            raise UsageError(
                f"it adds up: a batch twice over gives {doubled:g}, the batch {value:g}; "
                "it must be the mean over the examples of a batch"
            )


def _check_number(found: object) -> None:
    if not isinstance(found, Tensor):
        told = reprlib.repr(found)
        raise UsageError(f"it must return a tensor, the mean over a batch; it returns {told}")
    if found.dim():
        shape = list(found.shape)
        raise UsageError(
            f"it must return one number, the mean over a batch, not numbers {shape}: add .mean()"
        )
    if not found.is_floating_point():
        raise UsageError(f"it must return a number with a fraction, not {found.dtype}")
    if not found.requires_grad:
        raise UsageError("what it returns has no gradient: nothing could be learned")


def loss_name(setting: Setting) -> str:
    """As messages call it."""
    return display_name(str(setting.loss["name"]))
