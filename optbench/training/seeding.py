"""Named random streams, all derived from a run's seed and from nothing else."""

from __future__ import annotations

import hashlib
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

PythonState = tuple[tuple[Any, ...], Any]  # of `random`, of `numpy.random`

_uses: list[object] = []  # of the global generators, the innermost last


def derive(seed: int, stream: str, index: int = 0) -> int:
    """A 63-bit seed for one named stream: SHA-256 of its name, the run's seed and an index.

    Streams don't overlap however close the runs' seeds are, and adding one changes no other.
    """
    text = f"optbench/{stream}/{seed}/{index}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def batch_order(seed: int, epoch: int, examples: int) -> Tensor:
    """The order of the training examples in one epoch, a permutation, int64 on CPU.

    Each epoch has its own generator, so that a resumed run needs no state to go on.
    """
    generator = torch.Generator().manual_seed(derive(seed, "batches", epoch))
    return torch.randperm(examples, generator=generator)


def numpy_stream(seed: int, stream: str, index: int = 0) -> np.random.RandomState:
    """A generator of numpy's, whose numbers are frozen for good (NEP 19)."""
    return np.random.RandomState(list(divmod(derive(seed, stream, index), 2**32)))


@contextmanager
def generators_given_back(device: torch.device) -> Iterator[None]:
    """At its end the global generators are as before: torch's, Python's and numpy's.

    But where another use has begun since: training that was left in the middle ends when Python
    collects it, be it between what the other seeds and what it draws.
    """
    before, others = global_state(device), python_state()
    use = object()
    _uses.append(use)
    try:
        yield
    finally:
        innermost = _uses[-1] is use
        _uses.remove(use)
        if innermost:
            set_global_state(before, device)
            set_python_state(others)


@contextmanager
def global_stream(seed: int, stream: str) -> Iterator[None]:
    """The CPU's global generator, seeded for a stream and given back as it was.

    For code that takes no generator: torch's own initialization, and classes of one's own, which
    may draw from Python's and numpy's as well.
    """
    with generators_given_back(torch.device("cpu")):
        torch.default_generator.manual_seed(derive(seed, stream))
        set_python_state(seeded_python_state(seed, stream))
        yield


def seeded_python_state(seed: int, stream: str) -> PythonState:
    """States of Python's `random` and of numpy's global generator at the start of a stream."""
    python = random.Random(derive(seed, f"{stream} of python"))  # noqa: S311
    return python.getstate(), numpy_stream(seed, f"{stream} of numpy").get_state()


def python_state() -> PythonState:
    """The state of both as they are now."""
    return random.getstate(), np.random.get_state()


def set_python_state(state: PythonState) -> None:
    """Set what `python_state` gave."""
    random.setstate(state[0])
    np.random.set_state(state[1])


def global_state(device: torch.device) -> list[Tensor]:
    """State of the global generators that code on `device` draws from: the CPU's, then its own."""
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    elif device.type == "mps":
        states.append(torch.mps.get_rng_state())
    return states


def set_global_state(states: list[Tensor], device: torch.device) -> None:
    """Set what `global_state` gave."""
    torch.set_rng_state(states[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[1], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(states[1])
