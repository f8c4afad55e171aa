"""Where a command writes, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from optbench.report.layout import paragraph

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Screen:
    """A stream, its width and whether it shows colour; a quiet one shows nothing but errors."""

    stream: TextIO
    width: int | None
    colour: bool
    quiet: bool = False

    def say(self, text: str) -> None:
        """One block; a blank line sets it off from the next."""
        self.write(f"{text.rstrip()}\n\n" if text else "")

    def announce(self, text: str) -> None:
        """A block of plain lines, each wrapped to the width."""
        self.say("\n".join(paragraph(line, self.width) for line in text.splitlines()))

    def write(self, text: str) -> None:
        if not self.quiet:
            self.stream.write(text)
            self.stream.flush()


def deliver(text: str, output: Path | None, screen: Screen) -> None:
    """A finished text to a file, whole, or to the screen."""
    if output is None:
        screen.write(text)
        return
    from optbench.store.atomic import write_output

    write_output(output, text.encode())
