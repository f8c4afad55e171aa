"""A run directory in the driver's store, written to from whichever node its run trains on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.errors import StoreError
from optbench.store.rundir import STATE, RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from optbench.store.metrics import Row
    from optbench.store.result import Result
    from optbench.store.rundir import Timing
    from optbench.store.staged import Content

WRITES = (
    "delete_leftovers",
    "write_config",
    "write_checkpoint",
    "delete_checkpoints",
    "write_progress",
    "write_end",
    "log",
    "replace",
)  # the methods of a directory that a task may call from afar

STATES = ("write_checkpoint", "write_progress")  # of which the last alone counts


def pointless(method: str, arguments: tuple[Any, ...]) -> tuple[str, ...]:
    """The methods whose earlier calls change nothing, once this one follows."""
    if method != "write_end":
        return (method,) if method in STATES else ()
    result: Result = arguments[2]
    return STATES if result.status in ("completed", "diverged") else ("write_progress",)


class RelayedDirectory(RunDirectory):
    """Tells what is to be written, and reads what the driver has sent along.

    `tell` gets the name and the arguments of a method, to be called on the directory itself.
    """

    def __init__(
        self,
        path: Path,
        tell: Callable[[str, tuple[Any, ...]], None],
        stored: Result | None,
        checkpoints: Mapping[Path, bytes],
    ) -> None:
        super().__init__(path)
        self._tell = tell
        self._stored = stored
        self._checkpoints = checkpoints

    def result(self) -> Result | None:
        return self._stored

    def checkpoints(self) -> tuple[Path, ...]:
        return tuple(path for path in self._checkpoints if path.name != STATE)

    def read_checkpoint(self, path: Path) -> bytes:
        try:
            return self._checkpoints[path]
        except KeyError:
            raise StoreError(f"{path}: can't be read") from None

    def delete_leftovers(self) -> None:
        self._tell("delete_leftovers", ())

    def write_config(self, text: str) -> None:
        self._tell("write_config", (text,))

    def write_checkpoint(self, content: Content) -> None:
        self._tell("write_checkpoint", (content,))

    def sync_config(self) -> None:
        """Left to the driver, which does so whenever it has written one."""

    def sync_checkpoint(self) -> None:
        """Likewise."""

    def delete_checkpoints(self) -> None:
        self._tell("delete_checkpoints", ())

    def write_progress(
        self, rows: Sequence[Row], timings: Sequence[Timing], result: Result
    ) -> None:
        # Copied: they grow before they are sent.
        self._tell("write_progress", (list(rows), list(timings), result))

    def write_end(
        self,
        rows: Sequence[Row],
        timings: Sequence[Timing],
        result: Result,
        weights: Content | None,
        state: Content | None = None,
    ) -> None:
        self._tell("write_end", (list(rows), list(timings), result, weights, state))

    def log(self, text: str) -> None:
        self._tell("log", (text,))

    def replace(self, other: Path) -> None:
        self._tell("replace", (other,))
        self.path = other
