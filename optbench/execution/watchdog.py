"""Says that nothing goes on any more, where no other process is there to end what hangs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK = 1.0  # seconds between looks; the time in which a process is stopped counts as one


class Watchdog:
    """A context whose thread calls `say` once for each `patience` seconds without `alive()`."""

    def __init__(self, patience: float, say: Callable[[str], None]) -> None:
        self._patience = patience
        self._say = say
        self._silent = 0.0  # seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def alive(self) -> None:
        """There was a sign of life."""
        self._silent = 0.0

    def _watch(self) -> None:
        while not self._over.wait(LOOK):
            self._silent += LOOK
            if self._silent > self._patience:
                self._say(
                    f"Nothing has happened for {self._silent:,.0f} s. If it hangs, Ctrl-C or else "
                    "kill -9 ends it, and the same command goes on from the last checkpoint."
                )
                self._silent = 0.0
