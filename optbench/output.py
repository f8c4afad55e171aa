"""Standard output whose reader may leave: `optbench run … | head -1`."""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO

from optbench.errors import EnvironmentFault


def guard_standard_streams() -> None:
    """Make standard output and error safe to write to, whatever is behind them.

    A reader that leaves is no error: what follows goes nowhere, and the command goes on. A full
    disk raises `EnvironmentFault`. A closed stream is replaced by one that swallows.

    The exit code stays that of the work, as with ripgrep, not the 141 of a process that SIGPIPE
    ends, as with git: training needs no reader, and the code tells what became of runs and claims,
    for `set -o pipefail` too.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that lacks ━ still gets its table
        setattr(sys, name, _Guarded(stream, name))


class _Guarded:
    """A text stream; writing to it raises nothing but `EnvironmentFault`."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._stream, attribute)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Send the rest nowhere, what is buffered too: else Python fails on it when it exits."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        if not isinstance(error, BrokenPipeError):
            reason = error.strerror or str(error)
            raise EnvironmentFault(f"can't write to {self._name}: {reason}")
