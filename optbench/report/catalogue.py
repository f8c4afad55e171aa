"""`optbench list …`: names with a line about each."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from optbench.report.formats import render_table
from optbench.report.layout import INDENT
from optbench.report.table import Column, Table, cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Entry = tuple[str, str, str]  # name, summary, arguments
LONGEST_NAME = 18  # a longer one has a line to itself


def render_catalogue(
    entries: Iterable[Entry],
    output_format: str = "table",
    *,
    headings: Mapping[str, str] | None = None,
    width: int = 80,
) -> str:
    """The (name, summary, arguments) entries in their order; as text, the arguments go below.

    Of the headings of a text each stands above the entry of its name. Raises UsageError for an
    unknown format.
    """
    lines = list(entries)
    if output_format == "table":
        return "\n".join(_section(*section, width) for section in _split(lines, headings or {}))
    columns = tuple(Column(name, name) for name in ("name", "summary", "arguments"))
    rows = tuple(tuple(map(cell, entry)) for entry in lines)
    return render_table(Table(columns, (rows,)), output_format)


def _split(entries: list[Entry], headings: Mapping[str, str]) -> list[tuple[str, list[Entry]]]:
    """The entries under each heading; those before the first under none."""
    sections: list[tuple[str, list[Entry]]] = [("", [])]
    for entry in entries:
        if entry[0] in headings:
            sections.append((headings[entry[0]], []))
        sections[-1][1].append(entry)
    return sections


def _section(heading: str, entries: list[Entry], width: int) -> str:
    names = min(max((len(name) for name, _, _ in entries), default=0), LONGEST_NAME)
    indent = " " * (names + 2 * len(INDENT))
    lines = _wrapped(heading, "", "", width)
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
