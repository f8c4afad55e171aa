"""Whether a model takes the data's inputs, and gives a score for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn


def check_forward(model: nn.Module, input_shape: Sequence[int], classes: int) -> None:
    """Send one example of zeros through the model, in eval mode; its mode is put back.

    Raises UsageError, with both shapes, unless outputs `[1, classes]` come out.
    """
    inputs = torch.zeros(1, *input_shape, device=next(model.parameters()).device)
    training = model.training
    try:
        with torch.no_grad():
            outputs = model.eval()(inputs)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise UsageError(f"it doesn't take inputs {list(inputs.shape)}: {reason}") from error
    finally:
        model.train(training)
    if not isinstance(outputs, torch.Tensor):
        raise UsageError(f"it must return a tensor, not a {type(outputs).__name__}")
    if outputs.shape != (1, classes):
        raise UsageError(
            f"it maps inputs {list(inputs.shape)} to outputs {list(outputs.shape)}; "
            f"the data's {classes} classes need {[1, classes]}"
        )
