"""An optimizer's state as it was stored, to the bit: torch gives it the parameters' type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from torch.optim import Optimizer


def load_exactly(optimizer: Optimizer, stored: dict[str, Any]) -> None:
    """`load_state_dict`, and then again what torch changed of a parameter's state.

    It casts tensors, however deep: NAdam's `mu_product` is float32 beside float64 parameters; a
    float64 state beside float32 parameters would be rounded. Of text it makes that of a generator.
    """
    optimizer.load_state_dict(stored)
    groups = zip(optimizer.param_groups, stored["param_groups"], strict=True)
    pairs = (
        pair
        for group, known in groups
        for pair in zip(group["params"], known["params"], strict=True)
    )
    for parameter, index in pairs:
        if index in stored["state"]:
            found, known = optimizer.state[parameter], stored["state"][index]
            optimizer.state[parameter] = _as_stored(found, known)


def _as_stored(loaded: Any, stored: Any) -> Any:
    """What was loaded, but for what is the same in another type; an optimizer may add its own."""
    if isinstance(stored, Tensor) and isinstance(loaded, Tensor):
        same = loaded.dtype == stored.dtype
        return loaded if same else stored.to(loaded.device, copy=True)
    if isinstance(stored, str) and isinstance(loaded, str):
        return stored
    if isinstance(stored, dict) and isinstance(loaded, dict):
        known = {key: _as_stored(loaded[key], stored[key]) for key in stored if key in loaded}
        return type(stored)({**loaded, **known})
    alike = isinstance(stored, list | tuple) and type(loaded) is type(stored)
    if alike and len(loaded) == len(stored):
        return type(stored)(map(_as_stored, loaded, stored))
    return loaded
