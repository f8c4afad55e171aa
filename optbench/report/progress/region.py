"""Lines at the bottom of a terminal that are drawn over, and lines that stay above them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from optbench.report.progress.glyphs import Glyphs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from rich.console import Console

INTERVAL = 0.25  # seconds between two drawings


class Region:
    """A context in which lines are redrawn in place; nothing of them is left behind."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self.console = console
        self.clock = clock
        self.glyphs = Glyphs(console.encoding)
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._drawn: list[str] = []
        self._width = console.width
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether enough time has passed since the last drawing."""
        return self.clock() >= self._next

    @property
    def height(self) -> int:
        """Lines that there is room for; an empty one below them takes the ^C that is typed."""
        return max(self.console.height - 2, 1)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._erase_wrapped()
        self._live.__exit__(kind, error, trace)

    def draw(self, lines: Sequence[str], *, style: str = "") -> None:
        self._next = self.clock() + INTERVAL
        self._erase_wrapped()
        self._drawn = [self.glyphs.shown(line)[: self._width] for line in lines[: self.height]]
        text = Text("\n".join([*self._drawn, ""]), style=style, no_wrap=True, overflow="crop")
        self._live.update(text, refresh=True)

    def print(self, text: str, *, style: str = "") -> None:
        """Lines that stay, taken literally: brackets in a name are no markup."""
        self._erase_wrapped()
        self.console.print(Text(self.glyphs.shown(text), style=style), soft_wrap=True)

    def _erase_wrapped(self) -> None:
        """Clear what a terminal that became narrower has wrapped; the rest erases itself."""
        width = self.console.width
        if width < self._width:
            extra = sum((max(len(line), 1) - 1) // width for line in self._drawn)
            self.console.control(
                *[Control((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))] * extra
            )
            self._drawn = [line[:width] for line in self._drawn]
        self._width = width
