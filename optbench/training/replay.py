"""Models of one structure by the kernels of a recorded step, several runs at a time.

For small models autograd's bookkeeping and starting each kernel cost more than their arithmetic.
Here autograd's own kernels are started again, in its order, on memory that is there already: a run
gets the bits that autograd gives it alone. As many runs as the cache holds go through them
together, then the next ones on the same memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from optbench.training.arena import Arena, padded
from optbench.training.kernels import calls
from optbench.training.recording import Memory, Place, Recording, recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.training.kernels import Call
    from optbench.training.losses import Loss
    from optbench.training.network import Batch

CACHE = 32 << 20


class Replay:
    """Models that `replayable.refusal` has nothing against, with their loss.

    Takes over their parameters and buffers, as views of all runs'. `noise` has each run's
    generator, which its dropout draws from. `foreign` says whose optimizer isn't torch's or
    optbench's: it may keep gradients, or give parameters other memory.
    """

    def __init__(
        self,
        models: Sequence[nn.Module],
        loss: Loss,
        noise: Sequence[torch.Generator],
        foreign: Sequence[bool],
    ) -> None:
        self.models, self.loss, self.noise, self.foreign = models, loss, noise, foreign
        names = [name for name, _ in _tensors(models[0])]
        columns = zip(*([tensor for _, tensor in _tensors(model)] for model in models), strict=True)
        self.stacks = {name: _Taken(column) for name, column in zip(names, columns, strict=True)}
        self._steps: dict[tuple[torch.Size, ...], list[_Group]] = {}

    @torch.no_grad()
    def outputs(self, inputs: Tensor) -> list[Tensor]:
        found = []
        for model in self.models:
            model.eval()
            found.append(model(inputs))
            model.train()
        return found

    @torch.no_grad()
    def differentiate(self, batches: Sequence[Batch]) -> tuple[Tensor, Tensor]:
        for run, foreign in enumerate(self.foreign):
            if foreign:
                for stack in self.stacks.values():
                    stack.take_over(run)
        groups = self._groups(batches[0])
        found = [group.step(batches[group.runs.start : group.runs.stop]) for group in groups]
        losses, outputs = zip(*found, strict=True)
        return torch.cat(losses), torch.cat(outputs)

    def _groups(self, batch: Batch) -> list[_Group]:
        shape = tuple(one.shape for one in batch)
        if shape not in self._steps:
            recording = recorded(self.models[0], self.loss, batch)
            arena = Arena(recording)
            size = min(max(CACHE // arena.size, 1), len(self.models))
            memory = torch.empty(size * arena.size, dtype=torch.uint8)
            every = range(len(self.models))
            self._steps[shape] = [
                _Group(self, every[start : start + size], recording, arena, memory)
                for start in range(0, len(self.models), size)
            ]
        return self._steps[shape]


class _Group:
    """Some of the runs: their steps on batches of one shape."""

    def __init__(
        self, network: Replay, runs: range, recording: Recording, arena: Arena, memory: Tensor
    ) -> None:
        self.runs = runs
        self.noise = network.noise[runs.start : runs.stop]
        self._stacks: dict[int, tuple[Tensor, int, int]] = {}  # as `_memory_of` gives them
        for name, place in recording.tensors.items():
            stack = network.stacks[name]
            self._stacks[place.memory] = stack.memory, stack.pitch, runs.start * stack.pitch
        for place in recording.gradients.values():  # which the next group must leave alone
            self._stacks.setdefault(
                place.memory, (*_stacked(recording.memories[place.memory], len(runs)), 0)
            )
        self._recording, self._arena, self._memory = recording, arena, memory
        self._inputs, self._targets = self.each(recording.inputs), self.each(recording.targets)
        self._losses = self.together(recording.loss)
        self._outputs = self.together(recording.outputs)
        self._fill_constants()
        self._calls: list[Call] = [
            call for operation in recording.operations for call in calls(operation, self)
        ]
        found = {name: self.each(place) for name, place in recording.gradients.items()}
        self._gradients = [
            (parameter, found[name][index] if name in found else None, network.foreign[run])
            for index, run in enumerate(runs)
            for name, parameter in network.models[run].named_parameters()
        ]

    def step(self, batches: Sequence[Batch]) -> tuple[Tensor, Tensor]:
        """Losses `[runs]` and outputs `[runs, …]`; leaves gradients in `grad`."""
        for values, classes, (inputs, targets) in zip(
            self._inputs, self._targets, batches, strict=True
        ):
            values.copy_(inputs)
            classes.copy_(targets)
        for call in self._calls:
            call()
        for parameter, gradient, foreign in self._gradients:
            parameter.grad = gradient.clone() if foreign and gradient is not None else gradient
        return self._losses.clone(), self._outputs.clone()

    def each(self, place: Place) -> list[Tensor]:
        """The tensor at a place, of each run."""
        memory, pitch, start = self._memory_of(place)
        offsets = (start + place.offset + index * pitch for index in range(len(self.runs)))
        return [memory.as_strided(place.shape, place.strides, offset) for offset in offsets]

    def together(self, place: Place, dimensions: int | None = None) -> Tensor:
        """Those of all runs, `[runs, *shape]`, with ones before a shape of fewer dimensions."""
        memory, pitch, start = self._memory_of(place)
        ones = 0 if dimensions is None else dimensions - len(place.shape)
        shape = len(self.runs), *[1] * ones, *place.shape
        return memory.as_strided(shape, (pitch, *[0] * ones, *place.strides), start + place.offset)

    def _memory_of(self, place: Place) -> tuple[Tensor, int, int]:
        """Where it lies, from one run to the next, and of the first run; in elements."""
        if place.memory in self._stacks:
            return self._stacks[place.memory]
        dtype = self._recording.memories[place.memory].dtype
        size, start = self._arena.size, self._arena.offsets[place.memory]
        return self._memory.view(dtype), size // dtype.itemsize, start // dtype.itemsize

    def _fill_constants(self) -> None:
        for index, memory in enumerate(self._recording.memories):
            if memory.constant is not None:
                flat = Place(index, (memory.size,), (1,), 0)
                self.together(flat).copy_(memory.constant)


class _Taken:
    """One parameter or buffer of all models, each a slice of one memory."""

    def __init__(self, parts: Sequence[Tensor]) -> None:
        first = parts[0].detach()
        self.parts = parts
        self.memory, self.pitch = _stacked(Memory(first.numel(), first.dtype), len(parts))
        offsets = (run * self.pitch for run in range(len(parts)))
        self.slices = [self.memory.as_strided(first.shape, first.stride(), at) for at in offsets]
        for run in range(len(parts)):
            self.take_over(run)

    def take_over(self, run: int) -> None:
        """Done again for an optimizer that gave a parameter new memory, not new values."""
        part, view = self.parts[run], self.slices[run]
        if part.data_ptr() != view.data_ptr() or part.stride() != view.stride():
            with torch.no_grad():
                view.copy_(part)
            part.data = view


def _stacked(memory: Memory, runs: int) -> tuple[Tensor, int]:
    """Memory for each run, aligned, and how many elements lie from one run's to the next."""
    pitch = padded(memory.bytes) // memory.dtype.itemsize
    return torch.empty(runs * pitch, dtype=memory.dtype), pitch


def _tensors(model: nn.Module) -> list[tuple[str, Tensor]]:
    """Parameters and buffers by name."""
    return [*model.named_parameters(), *model.named_buffers()]
