"""`optbench list …`: names with a line about each."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from optbench.report.formats import render_table
from optbench.report.layout import INDENT
from optbench.report.table import Column, Table, cell

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_NAME = 18  # a longer one has a line to itself


def render_catalogue(
    entries: Iterable[tuple[str, str, str]], output_format: str = "table", *, width: int = 80
) -> str:
    """The (name, summary, arguments) entries in their order; as text, the arguments go below.

    Raises UsageError for an unknown format.
    """
    lines = list(entries)
    if output_format == "table":
        return _text(lines, width)
    columns = tuple(Column(name, name) for name in ("name", "summary", "arguments"))
    rows = tuple(tuple(map(cell, entry)) for entry in lines)
    return render_table(Table(columns, (rows,)), output_format)


def _text(entries: list[tuple[str, str, str]], width: int) -> str:
    names = min(max((len(name) for name, _, _ in entries), default=0), LONGEST_NAME)
    indent = " " * (names + 2 * len(INDENT))
    lines = []
    for name, summary, arguments in entries:
        head = f"{INDENT}{name:<{names}}{INDENT}"
        if len(name) > names:
            lines.append(f"{INDENT}{name}")
            head = indent
        lines += _wrapped(summary, head, indent, width)
        lines += _wrapped(arguments, indent, indent, width)
    return "\n".join(lines) + "\n"


def _wrapped(text: str, first: str, rest: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )
