"""Why a model's steps can't be replayed, or not to any gain: by its modules, then a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from optbench.errors import FOREIGN
from optbench.training.recording import UnrecordableError, recorded

if TYPE_CHECKING:
    from optbench.training.losses import Loss
    from optbench.training.network import Batch

KNOWN = ("torch.nn.modules.", "optbench.catalog.models.")  # where code depends on shapes alone
# Bytes that a kernel writes on average. From here on its work takes longer than starting it, and
# the values of several runs push each other out of the cache.
LARGE = 64 << 10
TRIALS = 2, 4  # examples, whose bytes lie on a straight line


def refusal(model: nn.Module, loss: Loss, batch: Batch, size: int) -> str | None:
    """Why runs of such a model don't go through one `Replay` on batches of that size, as a phrase.

    `batch` has a few examples to try, of any values. The model and all generators stay as they are.
    """
    try:
        return _by_modules(model) or _by_trial(model, loss, batch, size)
    except UnrecordableError as error:
        return str(error)
    except FOREIGN as error:
        return f"its steps can't be recorded: {type(error).__name__}"


def _by_modules(model: nn.Module) -> str | None:
    for module in model.modules():
        name = type(module).__name__
        if not type(module).__module__.startswith(KNOWN) or "forward" in vars(module):
            return f"{name} may do something else in each step"
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            return f"its {name} layers take longer than starting them"
        if any(isinstance(value, Tensor) for value in vars(module).values()):
            return f"its {name} keeps a tensor that is neither parameter nor buffer"
        if module._forward_hooks or module._forward_pre_hooks or module._backward_hooks:
            return f"its {name} has hooks"
    if any(p._backward_hooks or p._post_accumulate_grad_hooks for p in model.parameters()):
        return "its parameters have hooks"
    if len({tensor.dtype for tensor in model.parameters()}) > 1:
        return "its parameters are of several types"
    return None


def _by_trial(model: nn.Module, loss: Loss, batch: Batch, size: int) -> str | None:
    few, more = (
        recorded(model, loss, (batch[0][:examples], batch[1][:examples])) for examples in TRIALS
    )
    each = (more.written - few.written) / (TRIALS[1] - TRIALS[0])
    written = few.written + (size - TRIALS[0]) * each
    if written > LARGE * len(few.operations):
        return "its operations take longer than starting them"
    return None
