"""How far one run is, and how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.report import numbers
from optbench.report.progress.glyphs import bar
from optbench.report.progress.labels import fitted
from optbench.report.table import safe_text
from optbench.training.records import Evaluation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from optbench.store.metrics import Row
    from optbench.training.events import Advanced, Started

LABEL = 18  # columns for a setting
BAR = 10


class Track:
    """A run in training; `cohort` is the number of the group that it trains with."""

    def __init__(
        self, event: Started, label: str, clock: Callable[[], float], cohort: int = 0
    ) -> None:
        self.event = event
        self.label = safe_text(label)
        self.clock = clock
        self.cohort = cohort
        self.steps = event.steps
        self.measured = event.measured  # at the last row
        self.loss: float | None = None
        self.row: Row = {}
        self.began: tuple[float, int] | None = None

    def advance(self, event: Advanced) -> None:
        record = event.record
        if isinstance(record, Evaluation):
            self.row = record.row
            self.loss = record.row["train_loss"]
            self.steps = self.measured = int(record.row["steps"] or 0)
        else:
            self.steps, self.loss = record.steps, record.loss
        if self.began is None:
            self.began = self.clock(), self.steps

    @property
    def name(self) -> str:
        return f"{self.label} s{self.event.run.seed}"

    @property
    def epoch(self) -> str:
        """`3/5`."""
        done = self.steps * self.event.epochs // self.event.total
        return f"{done}/{self.event.epochs}"

    @property
    def seconds_left(self) -> float | None:
        """By the steps done since it began; None before there is something to go by."""
        rate = self._rate()
        return None if rate is None else (self.event.total - self.steps) / rate

    def line(self, rest: str, *, bars: bool = True, width: int | None = None) -> str:
        """`adam lr=0.001  s0 ━━━━╌╌ 3/5 loss 0.360 test 90.3%  98k/s  2 s left`.

        `rest` is how it goes on. In a narrow terminal the speed goes first, then accuracy, bar
        and loss.
        """
        accuracy = self.row.get("test_accuracy") if self.row.get("steps") else None
        columns = 2 * len(str(self.event.epochs)) + 1
        fields = [
            (f"  {fitted(self.label, LABEL)} s{self.event.run.seed}", 0),
            (self.bar() if bars else "", 2),
            (f"{self.epoch:>{columns}}", 0),
            ("" if self.loss is None else f"loss {numbers.loss(self.loss)}", 1),
            ("" if accuracy is None else f"test {numbers.percent(accuracy)}", 3),
            (self.speed() if rest.endswith("left") else "", 4),
            (rest, 0),
        ]
        return _joined(fields, width)

    def group_line(self, runs: int, *, width: int | None = None) -> str:
        """The same of a cohort, of which this run is one."""
        rest = f"and {runs - 1:,} more" if runs > 1 else ""
        columns = 2 * len(str(self.event.epochs)) + 1
        fields = [
            (f"  {fitted(self.label, LABEL)} s{self.event.run.seed}", 0),
            (f"{rest:<11}", 1),
            (self.bar(), 2),
            (f"{self.epoch:>{columns}}", 0),
            (self.left(), 3),
        ]
        return _joined(fields, width)

    def left(self) -> str:
        seconds = self.seconds_left
        return "" if seconds is None else f"{numbers.duration(seconds)} left"

    def speed(self) -> str:
        """Examples a second."""
        rate = self._rate()
        if rate is None:
            return ""
        examples = rate * self.event.step_examples
        return f"{examples / 1000:.0f}k/s" if examples >= 10_000 else f"{examples:.0f}/s"

    def bar(self) -> str:
        return bar(self.steps / self.event.total, BAR)

    def _rate(self) -> float | None:
        """Steps a second."""
        if self.began is None or self.steps <= self.began[1]:
            return None
        return (self.steps - self.began[1]) / max(self.clock() - self.began[0], 1e-9)


def _joined(fields: Iterable[tuple[str, int]], width: int | None) -> str:
    """Fields in one line; those of the highest rank are left out until it fits, 0 never."""
    kept = [(text, rank) for text, rank in fields if text]
    while True:
        line = " ".join(text for text, _ in kept).rstrip()
        worst = max(rank for _, rank in kept)
        if width is None or len(line) <= width or not worst:
            return line
        kept = [(text, rank) for text, rank in kept if rank < worst]
