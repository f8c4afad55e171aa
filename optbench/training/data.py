"""Examples as tensors that live on the device: a batch is an index."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from optbench.catalog.datasets import Data, Examples


@dataclass(frozen=True)
class Split:
    """Inputs `[n, *input_shape]` float32 and classes `[n]` int64, on one device."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class DeviceData:
    """The data of a problem; `validation` is None where nothing is held out."""

    train: Split
    validation: Split | None
    test: Split
    classes: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        return tuple(self.train.inputs.shape[1:])

    @property
    def device(self) -> torch.device:
        return self.train.inputs.device


def to_device(data: Data, device: torch.device) -> DeviceData:
    """Copy examples to the device, uint8 inputs scaled to [0, 1] as torchvision's ToTensor does."""
    return DeviceData(
        train=_split(data.train, device),
        validation=None if data.validation is None else _split(data.validation, device),
        test=_split(data.test, device),
        classes=data.classes,
    )


def _split(examples: Examples, device: torch.device) -> Split:
    inputs = torch.from_numpy(examples.inputs).to(device)
    if inputs.dtype == torch.uint8:
        inputs = inputs.float().div_(255)
    return Split(inputs, torch.from_numpy(examples.targets).to(device))


def batches(examples: int, size: int) -> int:
    """How many batches an epoch has; the last may be short."""
    return math.ceil(examples / size)
