"""What is seen while runs train: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from optbench.config.spec import display_name, format_value
from optbench.report import numbers
from optbench.report.table import safe_text
from optbench.training.events import Advanced, Ended, Event, Started
from optbench.training.records import Evaluation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from optbench.config.spec import Run, Setting
    from optbench.store.metrics import Row
    from optbench.store.result import Result

MANY = 20  # runs of which each gets one line where no terminal can redraw it
LABEL = 18  # columns for a setting; what is longer is cut
BAR = 10


class Progress(Protocol):
    """A consumer of the events of a command; a context while they come."""

    def show(self, event: Event) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def make_progress(stream: TextIO, runs: Sequence[Run], *, quiet: bool) -> Progress:
    """Live lines where the stream is a terminal, else a line an evaluation; nothing if quiet.

    `runs` are those that are going to be trained, in their order.
    """
    if quiet:
        return _Quiet()
    console = Console(file=stream, highlight=False)
    return _Live(console, runs) if console.is_terminal else _Plain(console, runs)


class _Quiet:
    def show(self, event: Event) -> None:
        """Nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to leave."""


class _Watcher:
    """What both kinds share: headings, and how far each run in training is."""

    def __init__(self, console: Console, runs: Sequence[Run]) -> None:
        self.console = console
        self.runs = len(runs)
        self.labels = short_labels([run.setting for run in runs])
        self.heading = ""
        self.tracks: dict[str, _Track] = {}  # of the runs in training, by hash

    def follow(self, event: Event) -> _Track | None:
        """Take an event in; returns the track that it belongs to, which an end closes."""
        key = event.run.hash
        if isinstance(event, Ended):
            return self.tracks.pop(key, None)
        if isinstance(event, Started):
            self._announce(event)
            label = self.labels.get(event.run.setting.setting_hash, event.run.setting.label)
            self.tracks[key] = _Track(event, label)
        elif key in self.tracks:
            self.tracks[key].advance(event)
        return self.tracks.get(key)

    def print(self, text: str) -> None:
        """Lines that stay, taken literally: brackets in a name are no markup."""
        self.console.print(Text(text), soft_wrap=True)

    def _announce(self, event: Started) -> None:
        runs = "1 run" if self.runs == 1 else f"{self.runs:,} runs"
        heading = f"{safe_text(event.problem)}\n{event.data} · {event.device} · {runs}"
        if heading != self.heading:
            self.heading = heading
            self.print(f"{heading}\n")


class _Plain(_Watcher):
    """One line an evaluation, of many runs one a run, without colour or control characters."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to leave."""

    def show(self, event: Event) -> None:
        track = self.follow(event)
        if track is None:
            return
        if isinstance(event, Ended):
            self.print(track.line(bar=False, rest=_outcome(event.result)))
        elif self.runs <= MANY and _is_row(event) and 0 < track.steps < track.event.total:
            self.print(track.line(bar=False, rest=track.left()))


class _Live(_Watcher):
    """The runs in training are redrawn in place; finished ones stay above them."""

    def __init__(
        self,
        console: Console,
        runs: Sequence[Run],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(console, runs)
        self.clock = clock
        self.live = Live(console=console, auto_refresh=False, transient=True)
        self.drawn = 0.0
        self.ended = 0
        self.began: float | None = None

    def __enter__(self) -> Self:
        self.live.__enter__()
        self.live.update(Text("loading torch and the data …", style="dim"), refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.live.__exit__(kind, error, trace)
        for track in self.tracks.values():
            self.console.print(Text(track.line(bar=True, rest="stopped")), crop=True)

    def show(self, event: Event) -> None:
        self.began = self.clock() if self.began is None else self.began
        track = self.follow(event)
        if track is None:
            return
        if isinstance(event, Ended):
            self.ended += 1
            line = track.line(bar=True, rest=_outcome(event.result))
            style = {"diverged": "yellow", "failed": "red"}.get(event.result.status, "")
            self._draw()
            self.console.print(Text(line, style=style), no_wrap=True, crop=True)
        elif self.clock() - self.drawn > 0.1 or isinstance(event, Started):
            self.drawn = self.clock()
            self._draw()

    def _draw(self) -> None:
        lines = [track.line(bar=True, rest=track.left()) for track in self.tracks.values()]
        if self.runs > 1 and len(self.tracks) > 0:
            lines.append(self._whole())
        self.live.update(Text("\n".join(lines), no_wrap=True), refresh=True)

    def _whole(self) -> str:
        """`  12 of 80 runs  3 min left`: by what has been done since the first run began."""
        done = self.ended + sum(track.share for track in self.tracks.values())
        text = f"  {self.ended:,} of {self.runs:,} runs"
        if self.began is None or not done:
            return text
        seconds = (self.clock() - self.began) * (self.runs - done) / done
        return f"{text}  {numbers.duration(seconds)} left"


class _Track:
    """How far one run is, and how fast."""

    def __init__(
        self, event: Started, label: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.event = event
        self.label = label
        self.clock = clock
        self.steps = event.steps
        self.loss: float | None = None
        self.row: Row = {}
        self.began: tuple[float, int] | None = None

    def advance(self, event: Advanced) -> None:
        record = event.record
        if isinstance(record, Evaluation):
            self.row = record.row
            self.loss = record.row["train_loss"]
            self.steps = int(record.row["steps"] or 0)
        else:
            self.steps, self.loss = record.steps, record.loss
        if self.began is None:
            self.began = self.clock(), self.steps

    @property
    def share(self) -> float:
        """How much of the run is done, of what there was to do when it began."""
        todo = self.event.total - self.event.steps
        return (self.steps - self.event.steps) / todo if todo else 1.0

    def line(self, *, bar: bool, rest: str) -> str:
        """`adam lr=0.001  s0 ━━━━ 3/5 loss 0.360 test 90.3%  98k/s  2 s left` in 80 columns."""
        epoch = f"{self.steps * self.event.epochs // self.event.total}/{self.event.epochs}"
        accuracy = self.row.get("test_accuracy") if self.row.get("steps") else None
        fields = [
            f"  {_fitted(self.label)} s{self.event.run.seed}",
            self._bar() if bar else "",
            f"{epoch:>{2 * len(str(self.event.epochs)) + 1}}",
            "" if self.loss is None else f"loss {numbers.loss(self.loss)}",
            "" if accuracy is None else f"test {numbers.percent(accuracy)}",
            rest,
        ]
        return " ".join(field for field in fields if field).rstrip()

    def left(self) -> str:
        """Examples a second and the time left; nothing before there is something to go by."""
        if self.began is None or self.steps == self.began[1]:
            return ""
        rate = (self.steps - self.began[1]) / max(self.clock() - self.began[0], 1e-9)
        seconds = (self.event.total - self.steps) / rate
        return f"{_rate(rate * self.event.batch_size)} {numbers.duration(seconds)} left"

    def _bar(self) -> str:
        done = round(BAR * self.steps / self.event.total)
        return "━" * done + "╌" * (BAR - done)


def _is_row(event: Event) -> bool:
    return isinstance(event, Advanced) and isinstance(event.record, Evaluation)


def short_labels(settings: Sequence[Setting]) -> dict[str, str]:
    """A label for each setting, by its hash: `lr`, and what tells those of one optimizer apart."""
    values: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    names = {name for setting in settings for name, _ in setting.hyperparameters}
    for setting in settings:
        said = dict(setting.hyperparameters)
        for name in names:
            shown = format_value(said[name]) if name in said else ""
            values[str(setting.optimizer["name"]), name].add(shown)
    return {
        setting.setting_hash: " ".join(
            [display_name(str(setting.optimizer["name"]))]
            + [
                f"{name}={format_value(value)}"
                for name, value in setting.hyperparameters
                if name == "lr" or len(values[str(setting.optimizer["name"]), name]) > 1
            ]
        )
        for setting in settings
    }


def _fitted(label: str) -> str:
    label = safe_text(label)
    return f"{label[: LABEL - 1]}…" if len(label) > LABEL else f"{label:<{LABEL}}"


def _rate(examples: float) -> str:
    return f"{examples / 1000:.0f}k/s" if examples >= 10_000 else f"{examples:.0f}/s"


def _outcome(result: Result) -> str:
    seconds = "" if result.seconds is None else numbers.duration(result.seconds)
    if result.status == "completed":
        return f"done {seconds}"
    return safe_text(f"{result.status}: {result.reason}")
