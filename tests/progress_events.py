"""Events of made-up runs, and a terminal that keeps what stands on its screen."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stored_runs import make_rows, result_document

from optbench.report.progress import make_progress
from optbench.store.result import parse_result
from optbench.training.events import Advanced, Ended, Event, Started
from optbench.training.records import Evaluation, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.config.spec import Run
    from optbench.report.progress import Progress
    from optbench.store.result import Result

TOTAL, EPOCHS = 4690, 5


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal; `screen` is what a reader sees in the end."""

    def isatty(self) -> bool:
        return True

    @property
    def screen(self) -> list[str]:
        lines, row = [""], 0
        for piece in re.findall(r"\x1b\[[?\d;]*\w|[\r\n]|[^\x1b\r\n]+", self.getvalue()):
            if piece == "\n":
                row += 1
                lines += [""] * (row == len(lines))
            elif piece == "\x1b[1A":
                row -= 1
            elif piece == "\x1b[2K":
                lines[row] = ""
            elif piece[0] not in "\x1b\r":
                lines[row] += piece
        return "\n".join(line.rstrip() for line in lines).rstrip("\n").split("\n")

    @property
    def text(self) -> str:
        return "\n".join(self.screen)


def started(run: Run, **changes: Any) -> Started:
    event = Started(
        run=run,
        problem="mnist · mlp 784-128-10 · cross entropy",
        data="60,000 train, 10,000 test",
        device="cpu",
        steps=0,
        measured=changes.get("steps", 0),
        total=TOTAL,
        epochs=EPOCHS,
        step_examples=64,
        cohort=1,
    )
    return dataclasses.replace(event, **changes)


def step(run: Run, steps: int) -> Advanced:
    return Advanced(run, Step(0, steps, 1.5))


def measured(run: Run, steps: int, seconds: float = 1.0, **values: float) -> Advanced:
    """A row after so many steps; its interval took `seconds` of training."""
    row = {**make_rows([0.1, 0.9])[1], "steps": steps, **values}
    return Advanced(run, Evaluation(0, row, seconds, 0.0))


def result_of(run: Run, status: str = "completed", **last: float) -> Result:
    """A result that names the run; `last` replaces values of its last row."""
    rows = make_rows([0.1, 0.9])
    rows[-1] = {**rows[-1], "steps": TOTAL, **last}
    document = result_document(
        rows,
        status=status,
        optimizer=dict(run.setting.optimizer),
        seed=run.seed,
        setting=run.setting.setting_hash,
        run=run.hash,
    )
    return parse_result(json.dumps(document).encode(), "")


def ended(run: Run, status: str = "completed", **last: float) -> Ended:
    return Ended(run, Path("runs/a"), result_of(run, status, **last))


def shown(stream: io.StringIO, runs: Sequence[Run], events: Iterable[tuple[float, Event]]) -> str:
    """What a stream holds after events, each so many seconds after the one before."""
    clock = Clock()
    with make_progress(stream, runs, clock=clock) as progress:
        for seconds, event in events:
            clock.now += seconds
            progress.show(event)
    return stream.getvalue()


def stop_after(progress: Progress, events: Iterable[Event]) -> None:
    """Tell the events, then leave as Ctrl-C does."""

    def tell() -> None:
        with progress:
            for event in events:
                progress.show(event)
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        tell()
