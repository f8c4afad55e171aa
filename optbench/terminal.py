"""Standard output and error as they are: their width, and whether they show colour."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from optbench.commands.screen import Screen


def output() -> Screen:
    """Where results go."""
    from optbench.commands.screen import Screen

    return Screen(sys.stdout, width(), colour())


def errors() -> Screen:
    """Where notes go: in a log, lines are as long as they are."""
    from optbench.commands.screen import Screen

    return Screen(sys.stderr, _columns(sys.stderr), colour=False)


def width() -> int:
    """Columns of standard output; 80 where it is no terminal."""
    return _columns(sys.stdout) or 80


def colour() -> bool:
    """Whether standard output shows colour, and is to."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _columns(stream: TextIO) -> int | None:
    return shutil.get_terminal_size((80, 24)).columns if stream.isatty() else None
