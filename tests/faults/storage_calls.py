"""What a process does to its disk, call by call: it can be killed at any, or any can fail."""

from __future__ import annotations

import builtins
import io
import itertools
import os
import signal
from collections.abc import Callable
from typing import Any

CALLS = ("fsync", "fdatasync", "replace", "rename", "link", "unlink", "remove", "mkdir", "rmdir")
Act = Callable[[str], object]  # told which call comes next


def watch(act: Act) -> None:
    """Have `act` called before each call of this process from now on that changes a disk.

    A write is done in two halves, with an act before each. Whatever `act` raises is what the call
    raises. What is open already, as standard output, is left alone.
    """
    for name in CALLS:
        setattr(os, name, _told(name, getattr(os, name), act))
    write = os.write
    os.write = lambda descriptor, content: _halves(
        lambda part: write(descriptor, part), content, act
    )
    io.open = builtins.open = _opening(io.open, act)


def kill_at(call: int) -> None:
    """Have this process killed when it is about to change a disk for the nth time."""
    calls = itertools.count(1)

    def act(name: str) -> None:
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)

    watch(act)


def fail_at(call: int, number: int) -> None:
    """Have the nth change of a disk, and all after it, fail with an errno."""
    calls = itertools.count(1)

    def act(name: str) -> None:
        if next(calls) >= call:
            raise OSError(number, os.strerror(number))

    watch(act)


def _told(name: str, original: Callable[..., Any], act: Act) -> Callable[..., Any]:
    def told(*arguments: Any, **named: Any) -> Any:
        act(name)
        return original(*arguments, **named)

    return told


def _halves(write: Callable[[memoryview], int], content: Any, act: Act) -> int:
    view = memoryview(content).cast("B")
    half = len(view) // 2
    act("write")
    done = write(view[:half])
    act("second half of a write")
    return done + write(view[half:])


def _opening(original: Callable[..., Any], act: Act) -> Callable[..., Any]:
    class Watched(io.FileIO):
        def write(self, content: Any) -> int:
            return _halves(super().write, content, act)

    def opening(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        if not set(mode) & set("wax+"):
            return original(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = Watched(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if not buffering:
            return raw
        stream = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return stream if "b" in mode else io.TextIOWrapper(stream, encoding, errors, newline)

    return opening
