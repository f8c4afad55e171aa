"""Progress where nothing can be redrawn: plain lines without colour or control characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from optbench.report import numbers
from optbench.report.layout import paragraph
from optbench.report.progress.glyphs import Glyphs
from optbench.report.progress.page import alarm, closing_lines, plain_line, stopped_lines
from optbench.report.table import safe_text
from optbench.training.events import Advanced, Ended, Event, Started
from optbench.training.records import Evaluation

if TYPE_CHECKING:
    from types import TracebackType
    from typing import TextIO

    from optbench.report.progress.watched import Watched
    from optbench.store.result import Result

WIDTH = 80
STEP = 0.05  # of a study; a line is due when so much more is done,
SOONEST, LATEST = 10.0, 300.0  # but no sooner and no later than so many seconds after the last


class _Plain:
    """What both kinds share: headings, and lines in the stream's own characters."""

    def __init__(self, stream: TextIO, watched: Watched) -> None:
        self.stream = stream
        self.watched = watched
        self.glyphs = Glyphs(getattr(stream, "encoding", None) or "utf-8")
        self.headings: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to leave."""

    def print(self, text: str) -> None:
        self.stream.write(f"{self.glyphs.shown(text)}\n")
        self.stream.flush()

    def announce(self, text: str) -> None:
        self.print("".join(f"{paragraph(line, WIDTH)}\n" for line in text.splitlines()))

    def head(self, event: Started) -> None:
        text = heading(event, self.watched)
        if text not in self.headings:
            self.headings.add(text)
            self.print(f"{text}\n")


class PlainRuns(_Plain):
    """A line an evaluation and a line an end."""

    def show(self, event: Event) -> None:
        track = self.watched.follow(event)
        if isinstance(event, Started):
            self.head(event)
        elif track is None:
            return
        elif isinstance(event, Ended):
            self.print(track.line(ending(event.result), bars=False))
        elif _is_row(event) and 0 < track.steps < track.event.total:
            self.print(track.line(track.left(), bars=False))


class PlainStudy(_Plain):
    """A line now and then, and one for each run that diverged or failed."""

    def __init__(self, stream: TextIO, watched: Watched) -> None:
        super().__init__(stream, watched)
        self.told = 0.0
        self.told_at: float | None = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        lines = closing_lines(self.watched) if error is None else stopped_lines(self.watched, WIDTH)
        for line in lines:
            self.print(line)

    def show(self, event: Event) -> None:
        self.watched.follow(event)
        if isinstance(event, Started):
            self.head(event)
        elif isinstance(event, Ended) and (line := alarm(event, self.watched)):
            self.print(line)
        self._tell()

    def _tell(self) -> None:
        now = self.watched.clock()
        self.told_at = now if self.told_at is None else self.told_at
        waited = now - self.told_at
        if waited >= SOONEST and (self.watched.whole[0] - self.told >= STEP or waited >= LATEST):
            self.told, self.told_at = self.watched.whole[0], now
            self.print(plain_line(self.watched))


def heading(event: Started, watched: Watched) -> str:
    """The problem; its data, the device, and how many runs are going to be trained."""
    runs = watched.runs_on[event.run.setting.problem_hash]
    told = f"{runs:,} run{'s' * (runs != 1)}"
    lines = safe_text(event.problem), f"{event.data} · {event.device} · {told}"
    return "\n".join(paragraph(line, WIDTH) for line in lines)


def ending(result: Result) -> str:
    """`done 6.1 s`, or how else a run ended and why."""
    seconds = "" if result.seconds is None else numbers.duration(result.seconds)
    if result.status == "completed":
        return f"done {seconds}"
    return safe_text(f"{result.status}: {result.reason}")


def _is_row(event: Event) -> bool:
    return isinstance(event, Advanced) and isinstance(event.record, Evaluation)
