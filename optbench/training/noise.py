"""The random numbers of runs in training: each has generators of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import torch

from optbench.training.seeding import derive, global_state, set_global_state

if TYPE_CHECKING:
    from torch import Tensor


class Noise:
    """A run's generators for dropout and the like: the CPU's, and the device's where it has one."""

    def __init__(self, seed: int, device: torch.device) -> None:
        places = [torch.device("cpu"), *([] if device.type == "cpu" else [device])]
        first = derive(seed, "noise")
        self.generators = [torch.Generator(place).manual_seed(first) for place in places]

    @property
    def cpu(self) -> torch.Generator:
        return self.generators[0]

    def state(self) -> list[Tensor]:
        return [generator.get_state() for generator in self.generators]

    def restore(self, states: list[Tensor]) -> None:
        for generator, state in zip(self.generators, states, strict=True):
            generator.set_state(state.cpu())


class SharedNoise:
    """torch's global generators, lent to code that draws from nothing else.

    A context: at its end the generators are as they were before.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.holder: Noise | None = None

    def __enter__(self) -> Self:
        self.before = global_state(self.device)
        return self

    def __exit__(self, *_: object) -> None:
        self.take_back()
        set_global_state(self.before, self.device)

    def lend(self, noise: Noise) -> None:
        """Until somebody else needs them, or they are taken back."""
        if self.holder is not noise:
            self.take_back()
            set_global_state(noise.state(), self.device)
            self.holder = noise

    def take_back(self) -> None:
        """Note what was drawn, before the holder's own generators are used or stored."""
        if self.holder is not None:
            self.holder.restore(global_state(self.device))
            self.holder = None
