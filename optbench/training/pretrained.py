"""Weights from a file into a model: every name and shape has to fit, but those of a new head."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from optbench.catalog.torch_file import load_plain
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.config.spec import Weights

    Tensors = Mapping[str, Tensor]

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_MOST_NAMED = 4
_WANTED = "what torch.save(model.state_dict(), FILE) writes"
# What torch raises for files that are something else.
_UNREADABLE = (
    OSError, EOFError, ValueError, RuntimeError, TypeError, LookupError, AttributeError,
    NotImplementedError, pickle.UnpicklingError, MemoryError,
)  # fmt: skip


def load_weights(model: nn.Module, weights: Weights, classes: int, *, new_head: bool) -> None:
    """Give a model the tensors of a file; a new head, its last layer, keeps what it has.

    Nothing in the file is executed. Raises UsageError where it can't be read, isn't the file
    that the run is hashed by any more, or doesn't fit: with names and both shapes.
    """
    head = _head(model, classes)
    if new_head and not head:
        raise UsageError(
            f"its last linear or convolutional layer hasn't {classes} outputs, one a class, so "
            "there is no head to draw anew"
        )
    left = f"{head}." if new_head else None
    wanted, found = (_without(left, some) for some in (model.state_dict(), _read(weights)))
    _check_names(wanted, found)
    _check_shapes(wanted, found, head)
    _check_values(wanted, found)
    model.load_state_dict(found, strict=False)


def _head(model: nn.Module, classes: int) -> str:
    """The name of the last layer where it has an output for each class; else empty."""
    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, _LAYERS)]
    return next((n for n, layer in layers[-1:] if layer.weight.shape[0] == classes), "")


def _without(prefix: str | None, tensors: Tensors) -> dict[str, Tensor]:
    return {k: v for k, v in tensors.items() if prefix is None or not k.startswith(prefix)}


def _read(weights: Weights) -> Tensors:
    try:
        content = weights.path.read_bytes()
    except OSError as error:
        raise UsageError(f"{weights.path} can't be read: {error.strerror}") from error
    if not weights.address and hashlib.sha256(content).hexdigest() != weights.content:
        raise UsageError(f"{weights.path} was changed while this command ran; start it again")
    try:
        loaded = load_plain(content)
    except _UNREADABLE as error:
        raise UsageError(f"{weights.path} can't be read as tensors: {_reason(error)}") from error
    if not isinstance(loaded, Mapping):
        raise UsageError(f"{weights.path} holds a {type(loaded).__name__}, not tensors by name")
    others = [str(name) for name, value in loaded.items() if not isinstance(value, Tensor)]
    if others:
        raise UsageError(
            f"{weights.path} holds {_listed(others)} that are no tensors; it must be {_WANTED}"
        )
    return {str(name): tensor for name, tensor in loaded.items()}


def _reason(error: Exception) -> str:
    """In a sentence; torch's own, of what is no tensor, advises to execute the file."""
    if isinstance(error, pickle.UnpicklingError):
        return f"it must be {_WANTED}, and nothing else in a file is loaded"
    return str(error).partition("\n")[0].partition(". ")[0] or type(error).__name__


def _check_names(wanted: Tensors, found: Tensors) -> None:
    missing, unexpected = wanted.keys() - found.keys(), found.keys() - wanted.keys()
    faults = []
    if missing:
        faults.append(f"lacks {_listed(name for name in wanted if name in missing)}")
    if unexpected:
        faults.append(f"has {_listed(n for n in found if n in unexpected)}, which it doesn't know")
    if faults:
        raise UsageError(f"the file {' and '.join(faults)}")


def _check_shapes(wanted: Tensors, found: Tensors, head: str) -> None:
    unlike = [name for name, tensor in wanted.items() if tensor.shape != found[name].shape]
    if not unlike:
        return
    shapes = (f"{name} {list(found[name].shape)} for {list(wanted[name].shape)}" for name in unlike)
    only_head = bool(head) and all(name.startswith(f"{head}.") for name in unlike)
    remedy = "; head: new draws this layer anew" if only_head else ""
    raise UsageError(f"the file has other shapes: {_listed(shapes)}{remedy}")


def _check_values(wanted: Tensors, found: Tensors) -> None:
    """Refuse what torch would cast to something else, and what no training can go on from."""
    for name, own in wanted.items():
        tensor = found[name]
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
            raise UsageError(f"the file's {name} is sparse, quantized or empty, no plain tensor")
        if _kind(tensor) != _kind(own):
            raise UsageError(
                f"the file's {name} is of type {_type(tensor)}, the model's of {_type(own)}"
            )
        if own.isfinite().all() and not (cast := tensor.to(own.dtype)).isfinite().all():
            what = "nan" if cast.isnan().any() else f"numbers beyond {_type(own)}"
            raise UsageError(f"the file's {name} holds {what}; a model can't start from that")


def _kind(tensor: Tensor) -> str:
    """What its numbers are, in whatever precision."""
    if tensor.is_complex():
        return "complex"
    return "real" if tensor.is_floating_point() else "whole"


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - _MOST_NAMED
    return ", ".join(every[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
