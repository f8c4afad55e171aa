"""Runs told to trackers while they train, beside the training rather than in it."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from optbench.store.scan import scan
from optbench.trackers.tracker import TrackedRun, step_of
from optbench.training.events import Advanced, Ended, Started
from optbench.training.records import Evaluation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from optbench.config.spec import Run
    from optbench.store.metrics import Row
    from optbench.trackers.tracker import Tracker
    from optbench.training.events import Event

AT_THE_END, WHEN_STOPPED = 15.0, 2.0  # seconds that a tracker has to take what is left


class Feed:
    """Passes events on in a thread of its own. A tracker that fails is told nothing more.

    `asked` is what the tracker was asked for by; `directories` are those of runs, by hash.
    """

    def __init__(self, asked: str, tracker: Tracker, directories: Mapping[str, Path]) -> None:
        self.asked = asked
        self.tracker = tracker
        self.directories = directories
        self.told: dict[str, int] = {}  # the last step of each open run
        self.failure = ""
        self.events: SimpleQueue[Event | None] = SimpleQueue()
        self.thread = Thread(target=self._pass_on, name=f"track {asked}", daemon=True)
        self.thread.start()

    def take(self, event: Event) -> None:
        """Note an event; returns at once."""
        if not self.failure:
            self.events.put(event)

    def close(self, announce: Callable[[str], None], store: Path, patience: float) -> None:
        """Wait some seconds for the tracker to take what is left; say if it did not."""
        self.events.put(None)
        self.thread.join(patience)
        if self.thread.is_alive():
            self.failure = f"it did not answer for {patience:.0f} s"
        if self.failure:
            announce(
                f"Tracking by {self.asked} failed: {self.failure}. The runs are whole. To tell it "
                f"later:\n  optbench runs export {store} --to {self.asked}"
            )

    def _pass_on(self) -> None:
        try:
            while (event := self.events.get()) is not None:
                self._tell(event)
            self.tracker.close()
        except Exception as error:  # noqa: BLE001  (whatever a tracker and its network raise)
            self.failure = str(error).strip().splitlines()[0] if str(error) else repr(error)

    def _tell(self, event: Event) -> None:
        match event:
            case Started(run=run, steps=steps):
                tracked = self._tracked(run)
                self.told[run.hash] = self.tracker.begin(tracked)
                if steps:
                    self._tell_stored(tracked, steps)
            case Advanced(run=run, record=Evaluation(row=row)) if run.hash in self.told:
                self._tell_row(self._tracked(run), row)
            case Ended(run=run, result=result) if run.hash in self.told:
                tracked = self._tracked(run)
                self._tell_stored(tracked)
                self.tracker.end(tracked, result.status)
                del self.told[run.hash]

    def _tell_stored(self, run: TrackedRun, steps: int | None = None) -> None:
        """The rows that the store has, up to a step, and the tracker has not."""
        (stored,) = scan(self.directories[run.hash]).runs
        for row in stored.rows:
            if steps is None or step_of(row) <= steps:
                self._tell_row(run, row)

    def _tell_row(self, run: TrackedRun, row: Row) -> None:
        if step_of(row) > self.told[run.hash]:
            self.tracker.log(run, row)
            self.told[run.hash] = step_of(row)

    def _tracked(self, run: Run) -> TrackedRun:
        return TrackedRun.of(run.hash, run.config, self.directories[run.hash])
