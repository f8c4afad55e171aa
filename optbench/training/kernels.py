"""Recorded kernels for several runs at once, each run's bits as if it were alone.

A run's part lies at the same alignment in any company. Kernels that treat every element by itself,
sum, copy or multiply matrices, and are listed here, are started once for all runs; the others,
whatever they are, once for each.
"""

from __future__ import annotations

import math
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from optbench.training.recording import DRAWS, Operation, Place, mapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch._ops import OpOverload

    Call = Callable[[], Any]

ELEMENTWISE = frozenset(
    {
        "add", "sub", "rsub", "mul", "div", "neg", "copy", "where", "masked_fill",
        "relu", "threshold_backward", "tanh", "tanh_backward", "sigmoid", "sigmoid_backward",
        "silu", "silu_backward", "elu", "elu_backward", "leaky_relu", "leaky_relu_backward",
    }
)  # fmt: skip
EMPTY = frozenset({"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"})
FILLED = {"zeros": 0, "zeros_like": 0, "new_zeros": 0, "ones": 1, "ones_like": 1, "new_ones": 1}
FILLED_AS_SAID = frozenset({"full", "new_full"})  # with their last argument
# Besides those above, what leaves the memory that it is given for its results as it was: losses,
# for one, make it as large as a batch on their way to a mean.
INTO_MEMORY = ELEMENTWISE | {
    "mm", "addmm", "bmm", "baddbmm", "mean", "convolution", "convolution_backward", "gelu",
    "gelu_backward", "_softmax", "_softmax_backward_data", "_log_softmax",
    "_log_softmax_backward_data", "native_layer_norm", "native_layer_norm_backward", "embedding",
    "nll_loss_forward", "nll_loss_backward",
}  # fmt: skip
# What torch's own functions of these names start in half the time.
QUICK = frozenset({"add", "sub", "mul", "div", "neg", "tanh", "sigmoid", "mm", "addmm", "bmm"})
COPIES = frozenset({"clone", "_to_copy"})
# torch starts products of matrices of fewer multiplications otherwise in a batch than alone.
SMALLEST_IN_BATCH = 400
# MKL takes three to eight times as long for products of fewer columns and longer sums than these
# as for the same ones with their sides exchanged.
THIN, LONG = 8, 256


class Runs(Protocol):
    """The tensors of some runs."""

    noise: Sequence[torch.Generator]

    def each(self, place: Place) -> list[Tensor]:
        """A run's tensor at a place, for each."""
        ...

    def together(self, place: Place, dimensions: int | None = None) -> Tensor:
        """All runs' `[runs, *shape]`, with ones before the shape up to that many dimensions."""
        ...


def calls(operation: Operation, runs: Runs) -> Iterator[Call]:
    """What carries out a recorded kernel for these runs."""
    name = operation.name
    kind = name.removesuffix("_") if operation.in_place else name
    if name in EMPTY:
        return
    if name == DRAWS:
        yield from _drawn(operation, runs)
    elif kind in FILLED or kind in FILLED_AS_SAID:
        (result,) = operation.results
        value = FILLED.get(kind, operation.args[-1])
        yield partial(Tensor.fill_, runs.together(_there(result)), value)
    elif kind in COPIES:
        (result,) = operation.results
        yield partial(Tensor.copy_, runs.together(_there(result)), runs.together(operation.args[0]))
    elif kind in ELEMENTWISE:
        dimensions = max(len(place.shape) for place in operation.places)
        yield from _applied(operation, [partial(runs.together, dimensions=dimensions)])
    elif name == "mm" and _pays_turned(operation, runs):
        yield from _turned(operation, runs)
    elif name in _TOGETHER and len(runs.noise) > 1 and (call := _TOGETHER[name](operation, runs)):
        yield call
    else:
        found = {place: runs.each(place) for place in operation.places}
        fits = [partial(_nth, found, run) for run in range(len(runs.noise))]
        yield from _applied(operation, fits)


def _nth(found: dict[Place, list[Tensor]], run: int, place: Place) -> Tensor:
    return found[place][run]


def _applied(operation: Operation, fits: Sequence[Callable[[Place], Tensor]]) -> Iterator[Call]:
    """The kernel on the tensors that each of `fits` has at a place."""
    for fit in fits:
        args, kwargs = (mapped(given, Place, fit) for given in (operation.args, operation.kwargs))
        if operation.in_place:
            function = getattr(Tensor, operation.name, None) or operation.function
            yield partial(function, *args, **kwargs)
            continue
        out = [None if place is None else fit(place) for place in operation.results]
        variant = _into_memory(operation.function)
        if variant is None or len(variant[1]) != len(out) or None in operation.results:
            yield partial(_copied, partial(operation.function, *args, **kwargs), out)
        else:
            function, names = variant
            yield partial(function, *args, **kwargs, **dict(zip(names, out, strict=True)))


def _copied(call: Call, out: Sequence[Tensor | None]) -> None:
    results = call()
    for memory, found in zip(
        out, results if isinstance(results, tuple) else [results], strict=True
    ):
        if memory is not None:
            memory.copy_(found)


@cache
def _into_memory(function: OpOverload) -> tuple[Callable[..., Any], tuple[str, ...]] | None:
    """The same kernel with its results in memory that is given, under these names."""
    schema = function._schema
    name = schema.name.partition("::")[2]
    if name not in INTO_MEMORY:
        return None
    packet = getattr(torch.ops.aten, name)
    for overload in packet.overloads():
        found = getattr(packet, overload)
        into = tuple(a.name for a in found._schema.arguments if a.is_out)
        rest = [(a.name, str(a.type)) for a in found._schema.arguments if not a.is_out]
        if into and rest == [(a.name, str(a.type)) for a in schema.arguments]:
            return (getattr(torch, name) if name in QUICK else found), into
    return None


def _drawn(operation: Operation, runs: Runs) -> Iterator[Call]:
    memory, *given = operation.args
    p = given[0] if given else operation.kwargs.get("p", 0.5)  # its default is not recorded
    for tensor, generator in zip(runs.each(memory), runs.noise, strict=True):
        yield partial(tensor.bernoulli_, p, generator=generator)


def _product(operation: Operation, runs: Runs) -> Call | None:
    """Matrix products in one call, each by the kernel that it takes alone.

    torch does that where there are gaps between the results; else MKL has a kernel for batches.
    """
    *added, a, b = operation.args
    # Outer products may give zeros of another sign in a batch.
    if operation.kwargs or a.shape[1] == 1 or math.prod(a.shape) * b.shape[1] < SMALLEST_IN_BATCH:
        return None
    out = runs.together(_there(operation.results[0]))
    if out.is_contiguous():
        return None
    factors = runs.together(a), runs.together(b)
    if not added:
        return partial(torch.bmm, *factors, out=out)
    return partial(torch.baddbmm, runs.together(added[0], 2), *factors, out=out)


def _turned(operation: Operation, runs: Runs) -> Iterator[Call]:
    """Products with their sides exchanged, (bᵀ aᵀ)ᵀ."""
    places = *operation.args, _there(operation.results[0])
    for a, b, out in zip(*map(runs.each, places), strict=True):
        yield partial(_copied, partial(torch.mm, b.t(), a.t()), [out.t()])


def _pays_turned(operation: Operation, runs: Runs) -> bool:
    a, b = operation.args
    length, columns = b.shape
    if not 1 < columns < THIN or length < LONG or a.offset or b.offset:
        return False
    return _agrees_turned(a, b, runs.each(a)[0].dtype)


@cache
def _agrees_turned(a: Place, b: Place, dtype: torch.dtype) -> bool:
    """Whether that has the bits of a b, which is up to the library: tried on random numbers."""
    generator = torch.Generator().manual_seed(0)
    extents = (math.prod(place.shape) + max(place.strides) * max(place.shape) for place in (a, b))
    left, right = (
        torch.randn(extent, generator=generator, dtype=dtype).as_strided(place.shape, place.strides)
        for extent, place in zip(extents, (a, b), strict=True)
    )
    return torch.equal(left.mm(right), right.t().mm(left.t()).t())


def _joined(operation: Operation, runs: Runs) -> Call:
    """`cat` and `stack`."""
    places, *dimension = operation.args
    parts = [runs.together(place) for place in places]
    out = runs.together(_there(operation.results[0]))
    return partial(getattr(torch, operation.name), parts, _later(*dimension or [0]), out=out)


def _summed(operation: Operation, runs: Runs) -> Call | None:
    if len(operation.args) < 2 or not operation.args[1] or operation.kwargs:
        return None
    values, dimensions, *keep = operation.args
    out = runs.together(_there(operation.results[0]))
    return partial(torch.sum, runs.together(values), [*map(_later, dimensions)], *keep, out=out)


def _later(dimension: int) -> int:
    """The same dimension where that of runs comes before."""
    return dimension if dimension < 0 else dimension + 1


def _there(place: Place | None) -> Place:
    if place is None:
        raise AssertionError("the kernel has no result")
    return place


_TOGETHER: dict[str, Callable[[Operation, Runs], Call | None]] = {
    "mm": _product,
    "addmm": _product,
    "cat": _joined,
    "stack": _joined,
    "sum": _summed,
}
