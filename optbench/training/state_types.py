"""An optimizer's state as it was stored, to the bit: torch gives it the parameters' type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from torch.optim import Optimizer


def load_exactly(optimizer: Optimizer, stored: dict[str, Any]) -> None:
    """`load_state_dict`, and then again each tensor of a parameter's state that torch cast.

    NAdam's `mu_product` is float32 beside float64 parameters; a float64 state beside float32
    parameters would be rounded.
    """
    optimizer.load_state_dict(stored)
    groups = zip(optimizer.param_groups, stored["param_groups"], strict=True)
    pairs = (
        pair
        for group, known in groups
        for pair in zip(group["params"], known["params"], strict=True)
    )
    for parameter, index in pairs:
        for name, value in stored["state"].get(index, {}).items():
            loaded = optimizer.state[parameter].get(name)
            both = isinstance(value, Tensor) and isinstance(loaded, Tensor)
            if both and loaded.dtype != value.dtype:
                optimizer.state[parameter][name] = value.to(loaded.device, copy=True)
