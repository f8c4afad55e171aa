"""The device that a run trains on, and how the CPU is set up for reproducible bits."""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

import torch
from torch.sparse import check_sparse_tensor_invariants

from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Value = TypeVar("Value")


def choose_device(name: str) -> torch.device:
    """`auto` is cuda, then mps, then cpu. Raises `UsageError` for one that isn't here."""
    present = present_devices()
    if name == "auto":
        return torch.device(next(d for d in ("cuda", "mps", "cpu") if d in present))
    if name not in present:
        raise UsageError(f"device: there is no {name} here; present: {', '.join(present)}")
    return torch.device(name)


def present_devices() -> tuple[str, ...]:
    """Names of all devices that this machine and this build of torch have."""
    names = ["cpu"]
    if torch.cuda.is_available():
        names += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        names.append("mps")
    return tuple(names)


def devices_for(names: Iterable[str]) -> tuple[str, ...]:
    """Where workers are to train what asks for these devices: on GPUs if on any, else on the CPU.

    One that names no GPU by its number may train on each.
    """
    chosen = [choose_device(name) for name in names]
    return workplaces([str(device) for device in chosen], present_devices())


def workplaces(chosen: Iterable[str], present: Iterable[str]) -> tuple[str, ...]:
    """Of devices as chosen, `cuda` for any, the accelerators by number; `cpu` if there are none."""
    numbered = [name for name in present if name.startswith("cuda:")]
    places = {place: None for name in chosen for place in (numbered if name == "cuda" else [name])}
    return tuple(place for place in places if place != "cpu") or ("cpu",)


def prefer(device: str) -> None:
    """Let `cuda` mean this device in this process, if it is one of CUDA's."""
    if torch.device(device).type == "cuda":
        torch.cuda.set_device(device)


class _Setting(Generic[Value]):
    """One of torch's settings of a process, which whoever leaves last puts back.

    Training that was left in the middle ends when Python collects it, which must not change what
    another trains by.
    """

    def __init__(self, put: Callable[[Value], object]) -> None:
        self.put = put
        self.before: list[Value] = []

    @contextmanager
    def set(self, value: Value, before: Value) -> Iterator[None]:
        self.put(value)
        self.before.append(before)
        try:
            yield
        finally:
            self.put(self.before.pop())


_THREADS = _Setting(torch.set_num_threads)
_FLUSHED = _Setting(torch.set_flush_denormal)
_DETERMINISTIC = _Setting(partial(torch.use_deterministic_algorithms, warn_only=True))


@contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """One CPU thread, denormals flushed, deterministic kernels on CUDA; undone afterwards.

    Sums split over threads round differently with another number of them. Denormal numbers
    cost Adam a quarter of its time from the second epoch on, and change no result that is read.
    """
    threads = _THREADS.set(1, torch.get_num_threads())
    denormals = _FLUSHED.set(True, bool(_FLUSHED.before))
    # Not for the CPU, whose kernels all are: torch imports its compiler for this, in seconds.
    kernels = (
        _DETERMINISTIC.set(True, torch.are_deterministic_algorithms_enabled())
        if device.type == "cuda"
        else nullcontext()
    )
    with threads, denormals, kernels, _unchecked_sparse_tensors():
        yield


def restore_settings() -> None:
    """Undo what code that is not optbench's may have done to all: torch's settings of a process.

    Threads and denormals are set within `reproducible` alone, which puts them back.
    """
    if _THREADS.before and torch.get_num_threads() != 1:
        torch.set_num_threads(1)
    if _FLUSHED.before:
        torch.set_flush_denormal(True)
    if torch.get_default_dtype() != torch.float32:
        torch.set_default_dtype(torch.float32)
    if not torch.is_grad_enabled():
        torch.set_grad_enabled(True)


def _unchecked_sparse_tensors() -> AbstractContextManager[None]:
    """As torch has them anyway; but where nobody says so, it warns."""
    context: AbstractContextManager[None] = check_sparse_tensor_invariants(enable=False)  # type: ignore[no-untyped-call]
    return context


def finish_imports() -> None:
    """Import what torch imports when it is first used, where no signal may break it off.

    A module that was half imported stays so, and whatever needs it then fails.
    """
    importlib.import_module("torch._dynamo")  # by the first optimizer
    if torch.cuda.is_available():
        importlib.import_module("torch._inductor.config")  # by deterministic kernels
