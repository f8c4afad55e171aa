"""What is seen while runs train: redrawn in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from rich.console import Console

from optbench.report.progress.lines import PlainRuns, PlainStudy
from optbench.report.progress.terminal import TerminalRuns, TerminalStudy
from optbench.report.progress.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from optbench.config.spec import Run
    from optbench.store.result import Result
    from optbench.training.events import Event

FEW = 10  # runs that have lines of their own; more are one study


class Progress(Protocol):
    """A consumer of the events of a command; a context while they come."""

    def show(self, event: Event) -> None: ...

    def announce(self, text: str) -> None:
        """Lines that stay, about the command as a whole."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def make_progress(
    stream: TextIO,
    runs: Sequence[Run],
    finished: Sequence[tuple[Run, Result]] = (),
    begun: Mapping[str, int] = MappingProxyType({}),
    *,
    quiet: bool = False,
    as_study: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Progress:
    """Redrawn lines where the stream is a terminal, else plain ones; nothing if quiet.

    `runs` are those that are going to be trained, in their order; `finished` were before; of
    those to go on from shorter ones `begun` has the epochs, by hash. A few have lines of their own,
    unless they are shown `as_study`.
    """
    if quiet:
        return _Quiet()
    watched = Watched(runs, finished, clock, begun)
    few = watched.runs <= FEW and not as_study
    console = Console(file=stream, highlight=False)
    if stream.isatty() and console.is_terminal and not console.is_dumb_terminal:
        return (TerminalRuns if few else TerminalStudy)(console, watched)
    return (PlainRuns if few else PlainStudy)(stream, watched)


class _Quiet:
    def show(self, event: Event) -> None:
        """Nothing."""

    def announce(self, text: str) -> None:
        """Nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to leave."""
