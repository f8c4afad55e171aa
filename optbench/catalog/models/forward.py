"""Whether a model takes the data's inputs, and gives outputs as their targets need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optbench.errors import UsageError, spoken

if TYPE_CHECKING:
    from torch import nn

    from optbench.catalog.datasets.task import Task


def zero_inputs(
    task: Task,
    examples: int,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """Inputs `[examples, *input_shape]` of zeros in that type, or of the first token."""
    dtype = dtype if task.vocabulary is None else torch.int64
    return torch.zeros(examples, *task.input_shape, dtype=dtype, device=device)


def check_forward(model: nn.Module, task: Task, dtype: torch.dtype = torch.float32) -> None:
    """Send one example of zeros through the model, in eval mode; its mode is put back.

    Raises UsageError, with both shapes, unless outputs `[1, *output_shape]` come out.
    """
    inputs = zero_inputs(task, 1, next(model.parameters()).device, dtype)
    training = model.training
    try:
        with torch.no_grad():
            outputs = model.eval()(inputs)
    except Exception as error:
        shape = list(inputs.shape)
        raise UsageError(f"it doesn't take inputs {shape}: {spoken(error)}") from error
    finally:
        model.train(training)
    if not isinstance(outputs, torch.Tensor):
        raise UsageError(f"it must return a tensor, not a {type(outputs).__name__}")
    expected = [1, *task.output_shape]
    if list(outputs.shape) != expected:
        raise UsageError(
            f"it maps inputs {list(inputs.shape)} to outputs {list(outputs.shape)}; "
            f"the data's {_asked(task)} need {expected}"
        )


def _asked(task: Task) -> str:
    noun = "numbers" if task.numbers else "classes"
    at = f" at {task.positions[0]} positions" if task.positions else ""
    return f"{task.classes} {noun}{at}"
