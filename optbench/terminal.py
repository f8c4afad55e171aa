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


def complain(text: str) -> None:
    """To standard error, in lines that fit a terminal, without characters that it would obey.

    What shows a line of a file, with a pointer below, stays as it is.
    """
    from optbench.report.layout import INDENT, paragraph
    from optbench.report.table import safe_text

    columns = _columns(sys.stderr)
    for line in text.splitlines():
        if columns is None or len(line) <= columns or "│" in line:
            sys.stderr.write(f"{safe_text(line)}\n")
        else:
            begin = line[: len(line) - len(line.lstrip())]
            sys.stderr.write(f"{paragraph(line, columns, hanging=begin + INDENT)}\n")


def width() -> int:
    """Columns of standard output; 80 where it is no terminal."""
    return _columns(sys.stdout) or 80


def colour() -> bool:
    """Whether standard output shows colour, and is to."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _columns(stream: TextIO) -> int | None:
    return shutil.get_terminal_size((80, 24)).columns if stream.isatty() else None
