"""The random numbers of runs in training: each has generators of its own."""

from __future__ import annotations

import math
import random
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

import numpy as np
import torch

from optbench.training.seeding import (
    derive,
    generators_given_back,
    global_state,
    python_state,
    seeded_python_state,
    set_global_state,
    set_python_state,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from optbench.training.seeding import PythonState


class Noise:
    """A run's generators for dropout and the like: the CPU's, and the device's where it has one.

    Where it runs `own_code`, that may also draw from Python's and numpy's, whose state is `python`.
    """

    def __init__(self, seed: int, device: torch.device, *, own_code: bool = False) -> None:
        places = [torch.device("cpu"), *([] if device.type == "cpu" else [device])]
        first = derive(seed, "noise")
        self.generators = [torch.Generator(place).manual_seed(first) for place in places]
        self.python = seeded_python_state(seed, "noise") if own_code else None

    @property
    def cpu(self) -> torch.Generator:
        return self.generators[0]

    def state(self) -> list[Tensor]:
        """As a checkpoint holds it."""
        python = [] if self.python is None else python_tensors(self.python)
        return [*(generator.get_state() for generator in self.generators), *python]

    def restore(self, states: Sequence[Tensor]) -> None:
        """Take up what `state` gave."""
        count = len(self.generators)
        self.set_generators(states[:count])
        if self.python is not None:
            self.python = python_state_of(states[count:])

    def set_generators(self, states: Sequence[Tensor]) -> None:
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
        self._use = ExitStack()
        self._use.enter_context(generators_given_back(self.device))
        self._use.callback(self.take_back)
        return self

    def __exit__(self, *_: object) -> None:
        self._use.close()

    def lend(self, noise: Noise) -> None:
        """Until somebody else needs them, or they are taken back."""
        if self.holder is not noise:
            self.take_back()
            set_global_state([g.get_state() for g in noise.generators], self.device)
            if noise.python is not None:
                set_python_state(noise.python)
            self.holder = noise

    def take_back(self) -> None:
        """Note what was drawn, before the holder's own generators are used or stored."""
        if self.holder is not None:
            self.holder.set_generators(global_state(self.device))
            if self.holder.python is not None:
                self.holder.python = python_state()
            self.holder = None


def python_tensors(state: PythonState) -> list[Tensor]:
    """Both as tensors, which a checkpoint can hold: their words and places, and a normal number
    that is left over of a pair, nan without one."""
    (_, words, spare), (_, key, place, has_spare, cached) = state
    left = [math.nan if spare is None else spare, cached if has_spare else math.nan]
    tables = torch.tensor(words), torch.tensor([*key.tolist(), place])
    return [*tables, torch.tensor(left, dtype=torch.float64)]


def python_state_of(tensors: Sequence[Tensor]) -> PythonState:
    """The states that `python_tensors` was given; raises where they are none of the two's."""
    words, key, left = tensors
    spare, cached = left.tolist()
    *keys, place = key.tolist()
    python = (3, tuple(words.tolist()), None if math.isnan(spare) else spare)
    has_spare = not math.isnan(cached)
    numbers = np.array(keys, dtype=np.uint32)
    state = "MT19937", numbers, place, int(has_spare), cached if has_spare else 0.0
    random.Random().setstate(python)  # noqa: S311  (tried here: set later it would end a run)
    np.random.RandomState().set_state(state)
    return python, state
