"""What a worker process says of the runs that it trains."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from optbench.execution.child import _messages
from optbench.execution.wire import Happened, MovedTogether
from optbench.training.events import Advanced, Busy, Ended, Started
from optbench.training.records import Step

if TYPE_CHECKING:
    from optbench.training.events import Event

INDICES = {"a": 4, "b": 7}


def event(kind: Any, run: str, steps: int = 0) -> Event:
    made = kind.__new__(kind)
    object.__setattr__(made, "run", SimpleNamespace(hash=run))
    if kind is Advanced:
        object.__setattr__(made, "record", Step(0, steps, 0.5))
    return cast("Event", made)


def told(*events: Event) -> list[tuple[int, int] | str]:
    """Of each message the runs' indices and steps, in a list; else the kind of what happened."""
    found: list[Any] = []
    for message in _messages(events, INDICES):
        if isinstance(message, MovedTogether):
            found.append([(one.index, cast("Step", one.record).steps) for one in message.runs])
        else:
            assert isinstance(message, Happened)
            found.append(type(message.event).__name__)
    return found


def test_runs_that_go_on_side_by_side_tell_it_in_one_message() -> None:
    found = told(
        event(Started, "a"),
        event(Started, "b"),
        event(Advanced, "a", 50),
        event(Advanced, "b", 50),
        event(Advanced, "a", 100),
        event(Advanced, "b", 100),
        event(Ended, "a"),
        event(Advanced, "b", 150),
        event(Ended, "b"),
    )
    begin = ["Started", "Started", [(4, 50), (7, 50)], [(4, 100), (7, 100)]]
    assert found == [*begin, "Ended", [(7, 150)], "Ended"]


def test_what_was_not_told_yet_comes_before_an_end() -> None:
    found = told(
        event(Started, "a"), event(Started, "b"), event(Advanced, "a", 50), event(Ended, "b")
    )
    assert found == ["Started", "Started", [(4, 50)], "Ended"]


def test_a_run_that_another_process_has_is_not_waited_for() -> None:
    assert told(event(Busy, "a"), event(Started, "b"), event(Advanced, "b", 50)) == [
        "Busy",
        "Started",
        [(7, 50)],
    ]
