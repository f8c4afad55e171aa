"""Processes to be timed: one, or two at a time with a core and a thread each."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
ROOT = HERE.parent
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Child:
    """What a process printed, and its wall seconds."""

    out: str
    seconds: float


class FailedError(Exception):
    """A process ended with another exit code than 0: its last line."""


def run(command: Sequence[str | Path], *, one_thread: bool = False) -> Child:
    """One process, with as many threads as it would take by itself, or one."""
    (child,) = _all([command], one_thread=one_thread)
    return child


def run_together(commands: Sequence[Sequence[str | Path]]) -> list[Child]:
    """Processes at the same time, with a thread each; all are over when this returns."""
    return _all(commands, one_thread=True)


def _all(commands: Sequence[Sequence[str | Path]], *, one_thread: bool) -> list[Child]:
    environment = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    environment |= ONE_THREAD if one_thread else {}
    began = perf_counter()
    processes = [
        subprocess.Popen(
            [str(word) for word in command],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    return [_ended(process, began) for process in processes]


def _ended(process: subprocess.Popen[str], began: float) -> Child:
    out, err = process.communicate()
    seconds = perf_counter() - began
    if process.returncode:
        lines = [line for line in err.splitlines() if line.strip()]
        raise FailedError(lines[-1] if lines else f"exit code {process.returncode}")
    return Child(out, seconds)
