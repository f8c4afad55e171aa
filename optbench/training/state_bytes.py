"""The memory that an optimizer's state takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch.optim import Optimizer


def state_bytes(optimizer: Optimizer) -> int:
    """Bytes of all tensors in an optimizer's state, however deep they lie."""
    tensors = _tensors([*optimizer.state.values()])
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _tensors(value: object) -> Iterator[Tensor]:
    """All tensors in a value: L-BFGS keeps lists of them."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors([*value.values()])
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            yield from _tensors(item)
