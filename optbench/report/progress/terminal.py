"""Progress in a terminal: a line a run where they are few, else one screen for the study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from optbench.report.layout import paragraph
from optbench.report.progress.lines import ending, heading
from optbench.report.progress.page import (
    alarm,
    closing_lines,
    stopped_lines,
    study_lines,
    whole_line,
)
from optbench.report.progress.region import Region
from optbench.training.events import Ended, Event, Started

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

    from optbench.report.progress.track import Track
    from optbench.report.progress.watched import Watched

STYLES = {"diverged": "yellow", "failed": "red"}
LOADING = "loading torch and the data …"


class _Terminal:
    """What both kinds share: the region, and the headings and ends that stay above it."""

    def __init__(self, console: Console, watched: Watched) -> None:
        self.watched = watched
        self.region = Region(console, watched.clock)
        self.headings: set[str] = set()

    def __enter__(self) -> Self:
        self.region.__enter__()
        self.region.draw([LOADING], style="dim")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.region.__exit__(kind, error, trace)
        for line in self.closing() if error is None else self.stopped():
            self.region.print(line)

    def show(self, event: Event) -> None:
        track = self.watched.follow(event)
        if isinstance(event, Started):
            self._head(event)
        elif isinstance(event, Ended) and (line := self.end_line(event, track)):
            self.region.print(line, style=STYLES.get(event.result.status, ""))
        if self.region.due:
            self.region.draw(self.lines())

    def announce(self, text: str) -> None:
        width = self.region.console.width
        self.region.print("".join(f"{paragraph(line, width)}\n" for line in text.splitlines()))

    def lines(self) -> list[str]:
        raise NotImplementedError

    def end_line(self, event: Ended, track: Track | None, /) -> str:
        raise NotImplementedError

    def closing(self) -> list[str]:
        raise NotImplementedError

    def stopped(self) -> list[str]:
        raise NotImplementedError

    def _head(self, event: Started) -> None:
        text = heading(event, self.watched)
        if text not in self.headings:
            self.headings.add(text)
            self.region.print(f"{text}\n")


class TerminalRuns(_Terminal):
    """A line a run: those in training are redrawn, the finished ones stay above them."""

    def lines(self) -> list[str]:
        width, tracks = self.region.console.width, list(self.watched.tracks.values())
        room = max(self.region.height - 2, 1)
        lines = [track.line(track.left(), width=width) for track in tracks[:room]]
        if len(tracks) > room:
            lines.append(f"  and {len(tracks) - room} more")
        return [*lines, self._sum()] if self.watched.runs > 1 else lines

    def end_line(self, event: Ended, track: Track | None, /) -> str:
        width = self.region.console.width
        return "" if track is None else track.line(ending(event.result), width=width)

    def closing(self) -> list[str]:
        return []

    def stopped(self) -> list[str]:
        width = self.region.console.width
        return [track.line("stopped", width=width) for track in self.watched.tracks.values()]

    def _sum(self) -> str:
        """The bar of all runs, and how many are done."""
        width = self.region.console.width
        counted = f"  {self.watched.ended:,} of {self.watched.total:,} runs"
        return f"{whole_line(*self.watched.whole, max(width - len(counted), 0))}{counted}"[:width]


class TerminalStudy(_Terminal):
    """One screen for many runs; above it stay only those that diverged or failed."""

    def lines(self) -> list[str]:
        return study_lines(self.watched, self.region.console.width, self.region.height)

    def end_line(self, event: Ended, _track: Track | None, /) -> str:
        return alarm(event, self.watched)

    def closing(self) -> list[str]:
        return closing_lines(self.watched)

    def stopped(self) -> list[str]:
        return stopped_lines(self.watched, self.region.console.width)
