"""Losses and metrics of one's own: functions, or classes whose objects are called."""

from __future__ import annotations

import math
from functools import partial
from inspect import isclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from optbench.errors import UsageError
from optbench.training.named import load_named, name_and_arguments
from optbench.training.precision import is_short, number_type
from optbench.training.seeding import (
    global_state,
    python_state,
    set_global_state,
    set_python_state,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optbench.config.spec import Setting

_SAME = 1e-4  # relative: kernels of GPUs may round otherwise from call to call


def own_function(
    setting: Setting, named: Mapping[str, object], device: torch.device
) -> Callable[..., Any]:
    """What takes outputs and targets: a function with its arguments, or an object of a class.

    Raises `UsageError` for what can't be called or would have to be trained, and whatever its code
    raises.
    """
    name, arguments = name_and_arguments(named)
    found = load_named(setting, name)
    if not isclass(found):
        return partial(found, **arguments)
    made: Any = found(**arguments)
    if not callable(made):
        raise UsageError("its objects can't be called with outputs and targets")
    if not isinstance(made, nn.Module):
        return made  # type: ignore[no-any-return]
    if any(parameter.requires_grad for parameter in made.parameters()):
        raise UsageError("it has parameters, which nothing would train")
    return made.to(device=device, dtype=outputs_type(setting))


def repeated(called: Callable[[], float], device: torch.device) -> float:
    """What a call gives; raises `UsageError` where that is another number the second time.

    What code keeps from one call to the next, or draws from a generator of its own, is not in a
    checkpoint: a run that goes on would end otherwise.
    """
    generators, others = global_state(device), python_state()
    first = called()
    set_global_state(generators, device)
    set_python_state(others)
    second = called()
    both_nan = math.isnan(first) and math.isnan(second)
    if not both_nan and not math.isclose(first, second, rel_tol=_SAME):
        raise UsageError(
            f"it gives {first:g} and then {second:g} for the same outputs and targets; it must "
            "keep nothing from one call to the next, and draw from the global generators alone"
        )
    return first


def outputs_type(setting: Setting) -> torch.dtype:
    """Of the outputs that losses and metrics get: at least float32."""
    return torch.float32 if is_short(setting) else number_type(setting)
