from __future__ import annotations

from typing import TYPE_CHECKING

from progress_events import Clock, Terminal
from rich.console import Console, ConsoleDimensions

from optbench.report.progress.region import Region

if TYPE_CHECKING:
    import io

UP = "\x1b[1A"


def region(stream: io.StringIO) -> Region:
    console = Console(file=stream, force_terminal=True, width=80, height=24)
    return Region(console, Clock())


def test_what_is_drawn_stands_below_what_stays_and_nothing_of_it_is_left() -> None:
    stream = Terminal()
    with region(stream) as drawn:
        drawn.draw(["one", "two"])
        drawn.print("stays")
        drawn.draw(["three"])
        assert stream.screen == ["stays", "three"]
    assert stream.screen == ["stays"]


def test_lines_that_a_narrower_terminal_has_wrapped_are_erased_with_the_rest() -> None:
    stream = Terminal()
    with region(stream) as drawn:
        drawn.draw(["x" * 70, "y" * 20])
        before = len(stream.getvalue())
        drawn.console.size = ConsoleDimensions(30, 24)  # in which they take up 3 lines and 1
        drawn.draw(["z"])
        # from the empty line below them to the first
        assert stream.getvalue()[before:].count(UP) == 4


def test_no_more_is_drawn_than_the_terminal_has_room_for() -> None:
    stream = Terminal()
    with region(stream) as drawn:
        drawn.console.size = ConsoleDimensions(10, 4)
        drawn.draw([letter * 20 for letter in "abcdef"])
        assert stream.screen == ["a" * 10, "b" * 10]


def test_a_typed_control_character_is_erased_with_the_lines() -> None:
    stream = Terminal()
    with region(stream) as drawn:
        drawn.draw(["one", "x" * 80])
        stream.write("^C")  # the terminal's echo, on whatever line the cursor is
        drawn.draw(["two"])
        assert stream.screen == ["two"]
