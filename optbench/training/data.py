"""Examples as tensors that live on the device, or in a file: a batch is an index."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from optbench.catalog.datasets.mapped import Mapped
from optbench.training.precision import number_type
from optbench.training.seeding import batch_order, numpy_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from numpy.typing import NDArray

    from optbench.catalog.datasets import Data, Examples
    from optbench.catalog.datasets.source import Stream
    from optbench.catalog.datasets.task import Task
    from optbench.config.spec import Setting
    from optbench.training.evaluation import Score


@dataclass(frozen=True)
class Streamed:
    """Rows of a file in a tensor's place: read whenever they are taken, then moved to `device`."""

    rows: Mapped
    device: torch.device

    def __len__(self) -> int:
        return len(self.rows)

    def index_select(self, dim: int, positions: Tensor) -> Tensor:  # noqa: ARG002  (as a tensor's)
        return self._read(self.rows[positions.numpy()])

    def __getitem__(self, part: slice) -> Tensor:
        return self._read(self.rows[part])

    def narrow(self, dim: int, start: int, length: int) -> Streamed:  # noqa: ARG002
        return Streamed(self.rows[start : start + length], self.device)

    def _read(self, rows: Mapped) -> Tensor:
        tensor = torch.from_numpy(np.asarray(rows))
        if self.device.type != "cuda":
            return tensor.to(self.device)
        return tensor.pin_memory().to(self.device, non_blocking=True)  # while the last step goes on


@dataclass(frozen=True)
class Split:
    """Inputs `[n, *input_shape]` and targets, as `Task` has them, on one device.

    uint8 inputs stay uint8 until they are used: a quarter of the memory, and of the bytes that
    a batch gathers from all over it. `moments` are a shift and a scale that inputs are normalized
    with then. `dtype` is what inputs are used as. `untrained` are the scores of networks that have
    not begun to train, kept for later cohorts that start alike; a changed copy has none.
    """

    inputs: Tensor
    targets: Tensor
    moments: tuple[Tensor, Tensor] | None = None
    dtype: torch.dtype = torch.float32
    untrained: dict[Hashable, Score] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def place(self) -> torch.device:
        """Where positions have to be: rows of a file are found by the CPU."""
        return torch.device("cpu") if isinstance(self.inputs, Streamed) else self.inputs.device

    def pick(
        self, positions: Tensor, change: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The examples at some positions `[batch]`: inputs in `dtype` or ids, and targets.

        Positions are on `place`. `change` gets the inputs as they are kept.
        """
        # index_select takes a third of the time of indexing with a tensor.
        inputs = self.inputs.index_select(0, positions)
        inputs = inputs if change is None else change(inputs)
        if not isinstance(self.targets, Streamed):
            positions = positions.to(self.targets.device)
        targets = self.targets.index_select(0, positions)
        return self._used(inputs), self._aimed_at(targets)

    def first(self, size: int) -> Split:
        """The first `size` examples, or all if there are no more."""
        there = min(size, len(self))
        inputs, targets = (rows.narrow(0, 0, there) for rows in (self.inputs, self.targets))
        return replace(self, inputs=inputs, targets=targets)

    def chunk(self, start: int, size: int) -> tuple[Tensor, Tensor]:
        """The next `size` examples from `start` on, likewise."""
        part = slice(start, start + size)
        return self._used(self.inputs[part]), self._aimed_at(self.targets[part])

    def _used(self, inputs: Tensor) -> Tensor:
        """As torchvision's ToTensor and Normalize make them: uint8 as numbers in [0, 1]."""
        used = inputs
        if inputs.dtype == torch.uint8:
            used = self._long(inputs).div(255)
        elif inputs.is_floating_point():
            used = self._long(inputs)
        if self.moments is not None:
            shift, scale = self.moments
            used = used.sub(shift).div_(scale)
        return (
            used
            if used.dtype == self.dtype or not used.is_floating_point()
            else used.to(self.dtype)
        )

    def _aimed_at(self, targets: Tensor) -> Tensor:
        """Numbers in the type of a loss: with short ones that is float32."""
        return self._long(targets) if targets.is_floating_point() else targets

    def _long(self, numbers: Tensor) -> Tensor:
        """What is computed with before numbers get a type of 16 bits."""
        return numbers.double() if self.dtype == torch.float64 else numbers


@dataclass(frozen=True)
class DeviceData:
    """The data of a problem; `validation` is None where nothing is held out."""

    train: Split
    validation: Split | None
    test: Split
    task: Task
    ordered: bool = False
    stream: Stream | None = None

    def epoch(self, seed: int, epoch: int) -> Split:
        """What a run of that seed trains on in one epoch, from 0."""
        if self.stream is None:
            return self.train
        drawn = self.stream(numpy_stream(seed, "examples", epoch))
        return replace(_split(drawn, self.device, self.train.moments), dtype=self.train.dtype)

    def in_type_of(self, setting: Setting) -> DeviceData:
        """The same examples, used as the type of numbers that a setting asks for."""
        dtype = number_type(setting)
        if dtype == self.train.dtype:
            return self
        train, test = (replace(split, dtype=dtype) for split in (self.train, self.test))
        validation = self.validation and replace(self.validation, dtype=dtype)
        return replace(self, train=train, validation=validation, test=test)

    def order(self, seed: int, epoch: int) -> Tensor:
        """The order of the training examples in one epoch, int64 on the CPU."""
        if self.ordered:
            return torch.arange(len(self.train))
        return batch_order(seed, epoch, len(self.train))

    @property
    def device(self) -> torch.device:
        return self.train.inputs.device


def to_device(data: Data, device: torch.device) -> DeviceData:
    """Copy examples to the device, all but those that stay in a file."""
    moments = None
    if data.moments is not None:
        shift, scale = (torch.from_numpy(found) for found in data.moments)
        moments = shift.to(device), scale.to(device)
    return DeviceData(
        train=_split(data.train, device, moments),
        validation=None if data.validation is None else _split(data.validation, device, moments),
        test=_split(data.test, device, moments),
        task=data.task,
        ordered=data.ordered,
        stream=data.stream,
    )


def _split(
    examples: Examples, device: torch.device, moments: tuple[Tensor, Tensor] | None
) -> Split:
    return Split(_kept(examples.inputs, device), _kept(examples.targets, device), moments)


def _kept(rows: NDArray[Any] | Mapped, device: torch.device) -> Tensor:
    """A tensor, or what does all that a split asks of one."""
    if isinstance(rows, Mapped):
        return cast("Tensor", Streamed(rows, device))
    return torch.from_numpy(rows).to(device)
