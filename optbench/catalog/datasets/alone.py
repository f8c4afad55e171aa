"""One process at a time, for what many may want done at once."""

from __future__ import annotations

import contextlib
import fcntl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextlib.contextmanager
def alone(lock: Path, what: str, announce: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock; the system frees it when this process ends, however it ends.

    `announce` is told where another process has it, which makes `what`.
    """
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            announce(f"Waiting for the {what} that another process makes ({lock})")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
