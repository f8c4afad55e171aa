"""A step of training as autograd carries it out: its kernels in their order, to be done again.

Below autograd, a step is a list of kernels on memory. Which ones they are, and on what, depends on
the model and the shape of a batch alone, as long as no code looks at values.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from torch._ops import OpOverload

    from optbench.training.losses import Loss
    from optbench.training.network import Batch

DRAWS = "bernoulli_"  # the one kernel with random numbers that can be replayed: dropout's
REMEMBERED = 64  # recordings of a process, the last ones

_Kind = TypeVar("_Kind")


class UnrecordableError(Exception):
    """Why a model's steps can't be recorded, as a phrase."""


@dataclass(frozen=True)
class Place:
    """Where a tensor lies, in elements, in the memory of that number."""

    memory: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


@dataclass(frozen=True)
class Memory:
    """So many elements of a type; `constant` has them where they came from outside of the step."""

    size: int
    dtype: torch.dtype
    constant: Tensor | None = None

    @property
    def bytes(self) -> int:
        return self.size * self.dtype.itemsize


@dataclass(frozen=True)
class Operation:
    """A kernel, its arguments with places for tensors, and the places of its results."""

    function: OpOverload
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    results: tuple[Place | None, ...]

    @cached_property
    def name(self) -> str:
        """Without its namespace, as in `mm` or `add_`."""
        return self.function._schema.name.partition("::")[2]

    @cached_property
    def in_place(self) -> bool:
        return bool(self.function._schema.is_mutable)

    @cached_property
    def places(self) -> list[Place]:
        """Of its arguments and results."""
        return [*_leaves((self.args, self.kwargs, self.results), Place)]


@dataclass(frozen=True)
class Recording:
    """`tensors` are the model's parameters and buffers by name, `gradients` by parameter."""

    memories: Sequence[Memory]
    operations: Sequence[Operation]
    tensors: dict[str, Place]
    gradients: dict[str, Place]
    inputs: Place
    targets: Place
    loss: Place
    outputs: Place

    @property
    def written(self) -> int:
        """Bytes of the results of all kernels."""
        memories = {place.memory for op in self.operations for place in op.places}
        given = {place.memory for place in self.tensors.values()}
        return sum(self.memories[index].bytes for index in memories - given)


def recorded(model: nn.Module, loss: Loss, batch: Batch) -> Recording:
    """As `record`; the recording of a model built alike is taken again."""
    shapes = tuple((one.shape, one.dtype) for one in batch)
    key = _structure(model), _identity(loss), shapes
    if key not in _RECORDED:
        if len(_RECORDED) == REMEMBERED:
            del _RECORDED[next(iter(_RECORDED))]
        _RECORDED[key] = record(model, loss, batch)
    return _RECORDED[key]


_RECORDED: dict[Hashable, Recording] = {}


def record(model: nn.Module, loss: Loss, batch: Batch) -> Recording:
    """Train a copy on a batch, in train mode: what that took. Random generators stay as they are.

    Raises `UnrecordableError`, and whatever the model's code raises.
    """
    model = copy.deepcopy(model)
    tensors = [*model.named_parameters(), *model.named_buffers()]
    recorder = _Recorder()
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        inputs, targets = (one.clone() for one in batch)
        given = {name: recorder.enter(tensor) for name, tensor in tensors}
        places = recorder.enter(inputs), recorder.enter(targets)
        with recorder:
            outputs = model(inputs)
            value = loss(outputs, targets)
            torch.autograd.backward(value)
    gradients = {
        name: recorder.place(parameter.grad)
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    return Recording(
        recorder.memories,
        recorder.operations,
        given,
        gradients,
        *places,
        recorder.place(value),
        recorder.place(outputs),
    )


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every kernel below autograd; tells memories apart by the storages of tensors."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.memories: list[Memory] = []
        self.operations: list[Operation] = []
        # Storages, kept so that none takes another's place. Not tensors: autograd looks at how
        # many hold one when it decides whether to add gradients in place.
        self._known: dict[int, tuple[int, torch.UntypedStorage]] = {}

    def enter(self, tensor: Tensor, constant: Tensor | None = None) -> Place:
        """The tensor's place, in memory that may be new."""
        storage = _storage(tensor)
        if storage._cdata not in self._known:
            self._known[storage._cdata] = len(self.memories), storage
            size = storage.nbytes() // tensor.element_size()
            found = None if constant is None else _everything(constant, size)
            self.memories.append(Memory(size, tensor.dtype, found))
        return self.place(tensor)

    def place(self, tensor: Tensor) -> Place:
        index, _ = self._known[_storage(tensor)._cdata]
        if self.memories[index].dtype != tensor.dtype:
            raise UnrecordableError("it reads memory as another type")
        return Place(index, tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset()))

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        _check(func)
        for tensor in _leaves((args, kwargs), Tensor):
            self.enter(tensor, constant=tensor)
        placed = mapped(args, Tensor, self.place), mapped(kwargs, Tensor, self.place)
        results = func(*args, **kwargs)
        found = results if isinstance(results, tuple | list) else (results,)
        if any(one is not None and not isinstance(one, Tensor | list) for one in found):
            raise UnrecordableError("its code looks at the values of a batch")
        tensors = [*_leaves(found, Tensor)]
        new = any(_storage(tensor)._cdata not in self._known for tensor in tensors)
        changes = func._schema.is_mutable and torch.Tag.inplace_view not in func.tags
        if new or changes:  # all else are views
            places = tuple(None if one is None else self.enter(one) for one in found)
            if func._schema.is_mutable and self.memories[placed[0][0].memory].constant is not None:
                raise UnrecordableError("it keeps values from batch to batch outside its buffers")
            self.operations.append(Operation(func, *placed, places))
        return results


def _storage(tensor: Tensor) -> torch.UntypedStorage:
    if tensor.layout != torch.strided:
        raise UnrecordableError("it has tensors that aren't plain numbers in memory")
    return tensor.untyped_storage()


def _everything(tensor: Tensor, size: int) -> Tensor:
    """All of the memory that a tensor shows some of, as a copy."""
    return tensor.detach().as_strided((size,), (1,), 0).clone()


def _check(function: OpOverload) -> None:
    name = function._schema.name.partition("::")[2]
    if name == "mkldnn_rnn_layer":  # of torch.nn.LSTM, with memory that only oneDNN understands
        raise UnrecordableError("its LSTM is one kernel of oneDNN")
    if torch.Tag.nondeterministic_seeded in function.tags and name != DRAWS:
        raise UnrecordableError(f"it draws random numbers by {name}")


def mapped(value: Any, kind: type[_Kind], function: Callable[[_Kind], object]) -> Any:
    """Arguments with what is of a kind replaced; many times as fast as torch's own pytrees."""
    if isinstance(value, kind):
        return function(value)
    if isinstance(value, tuple | list):
        return type(value)([mapped(item, kind, function) for item in value])
    if isinstance(value, dict):
        return {name: mapped(item, kind, function) for name, item in value.items()}
    return value


def _leaves(value: Any, kind: type[_Kind]) -> Iterator[_Kind]:
    """All of a kind, in their order."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, dict):
        yield from _leaves([*value.values()], kind)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _leaves(item, kind)


def _structure(model: nn.Module) -> Hashable:
    """What of a model decides which kernels it starts: all but the values of its tensors."""
    numbers: dict[int, int] = {}  # one tensor under several names is another model than several
    tensors = [
        (name, numbers.setdefault(id(one), len(numbers)), one.shape, one.dtype, one.requires_grad)
        for name, one in (
            *model.named_parameters(remove_duplicate=False),
            *model.named_buffers(remove_duplicate=False),
        )
    ]
    modules = [
        (name, type(module), repr([item for item in vars(module).items() if _is_plain(item[1])]))
        for name, module in model.named_modules()
    ]
    return tuple(tensors), tuple(modules)


def _identity(loss: Loss) -> Hashable:
    if isinstance(loss, partial):
        return loss.func, loss.args, tuple(sorted(loss.keywords.items()))
    return loss


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float | str | tuple | list | None)
