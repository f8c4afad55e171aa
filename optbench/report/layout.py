"""A table as terminal text of at most so many columns."""

from __future__ import annotations

import itertools
import re
import sys
import textwrap
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from optbench.report.table import Cell, Table, safe_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from optbench.report.table import Column, Row

INDENT = "  "
GAP = "  "
RED, GREEN, RESET = "\x1b[31m", "\x1b[32m", "\x1b[0m"


def to_text(table: Table, *, width: int | None = 80, colour: bool = False) -> str:
    """The table in at most `width` columns (None: as many as it takes), numbers never cut.

    What does not fit at first gets headers in two lines, then shorter cells from the right on,
    then loses a column that may be dropped (a note names it) and has longer cells again as far
    as they fit, and so on. Then columns that may stand below their rows do, and all begins anew
    with the rest; at last it is stacked.
    """
    for layout in _layouts(table):
        if width is None or layout.width <= width:
            return _page(layout.table, layout.lines(width, colour=colour), width)
    return _page(table, _stacked(table, width, colour=colour), width)


def paragraph(text: str, width: int | None, *, hanging: str = "") -> str:
    """The text in lines of at most `width` columns, words and numbers whole.

    `hanging` begins all lines but the first; without a width there is one line.
    """
    if width is None:
        return safe_text(text)
    return textwrap.fill(
        safe_text(text),
        width,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


@dataclass(frozen=True)
class _Layout:
    """A table set in columns, its headers in one line or, where that is narrower, in two.

    `below` has what stands in a line of its own below its rows, or nothing.
    """

    table: Table
    below: Table
    wrap: bool

    @property
    def width(self) -> int:
        return len(INDENT) + sum(self._widths) + len(GAP) * (len(self._widths) - 1)

    def lines(self, width: int | None, *, colour: bool) -> Iterator[str]:
        for number in range(len(self._headers[0])):
            yield self._line([Cell(header[number]) for header in self._headers], colour=colour)
        sections = zip(self.table.sections, self.below.sections, strict=True)
        for index, (section, below) in enumerate(sections):
            if index:
                yield ""
            pairs = zip(section, below, strict=True)
            for (_, told), rows in itertools.groupby(pairs, lambda pair: (pair[0][0], pair[1])):
                yield from (self._line(row, colour=colour) for row, _ in rows)
                if told:
                    yield _pairs(self.below.columns, told, width, colour=colour)

    @cached_property
    def _headers(self) -> list[list[str]]:
        """The lines of each header, all of one height, empty lines first."""
        columns = zip(self.table.columns, self._cell_widths, strict=True)
        split = [
            _halved(column.header, width) if self.wrap else [safe_text(column.header)]
            for column, width in columns
        ]
        height = max(map(len, split))
        return [[""] * (height - len(lines)) + lines for lines in split]

    @cached_property
    def _cell_widths(self) -> list[int]:
        columns = zip(*self.table.rows, strict=True)
        return [max(len(safe_text(cell.text)) for cell in column) for column in columns]

    @cached_property
    def _widths(self) -> list[int]:
        pairs = zip(self._headers, self._cell_widths, strict=True)
        return [max(width, *map(len, lines)) for lines, width in pairs]

    def _line(self, row: Iterable[Cell], *, colour: bool) -> str:
        parts = []
        for column, cell, width in zip(self.table.columns, row, self._widths, strict=True):
            text = safe_text(cell.text)
            padded = text.rjust(width) if column.align == "right" else text.ljust(width)
            parts.append(_coloured(cell, padded, colour=colour))
        return (INDENT + GAP.join(parts)).rstrip()


def _layouts(table: Table) -> Iterator[_Layout]:
    """From the most comfortable to the narrowest."""
    if not table.rows:
        return
    yield from _in_columns(table, _picked(table, lambda _: False))
    below = _picked(table, lambda column: column.below)
    if below.columns:
        yield from _in_columns(_picked(table, lambda column: not column.below), below)


def _in_columns(table: Table, below: Table) -> Iterator[_Layout]:
    yield _Layout(table, below, wrap=False)
    drops = {column.drop for column in table.columns} - {0}
    for left in [table, *(_without(table, least) for least in sorted(drops, reverse=True))]:
        yield _Layout(left, below, wrap=True)
        for first in reversed(range(len(left.columns))):
            yield _Layout(_shortened(left, first), below, wrap=True)


def _picked(table: Table, wanted: Callable[[Column], bool]) -> Table:
    """The table with the columns that are wanted."""
    kept = [index for index, column in enumerate(table.columns) if wanted(column)]
    return replace(
        table,
        columns=tuple(table.columns[index] for index in kept),
        sections=_each_row(table, lambda row: tuple(row[index] for index in kept)),
    )


def _shortened(table: Table, first: int) -> Table:
    """The table with the shorter forms of the cells from column `first` on."""

    def shorten(row: Row) -> Row:
        shorter = (
            cell if cell.short is None else replace(cell, text=cell.short) for cell in row[first:]
        )
        return (*row[:first], *shorter)

    return replace(table, sections=_each_row(table, shorten))


def _without(table: Table, least: int) -> Table:
    """The table without the columns whose `drop` is `least` or more, and a note that says so."""
    dropped = [column for column in table.columns if column.drop >= least]
    headers = ", ".join(column.header for column in dropped)
    notes = [_silent(note, dropped) for note in table.notes]
    return replace(
        _picked(table, lambda column: column.drop < least),
        notes=(*filter(None, notes), f"Left out for want of width: {headers}."),
    )


def _silent(note: str, dropped: Iterable[Column]) -> str:
    """A note without what it says about these columns."""
    for column in dropped:
        note = note.replace(column.note, "") if column.note else note
    return note


def _each_row(table: Table, change: Callable[[Row], Row]) -> tuple[tuple[Row, ...], ...]:
    return tuple(tuple(map(change, section)) for section in table.sections)


def _page(table: Table, lines: Iterable[str], width: int | None) -> str:
    parts = [
        paragraph(table.title, width),
        "\n".join(lines),
        "\n".join(paragraph(note, width) for note in table.notes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _stacked(table: Table, width: int | None, *, colour: bool) -> Iterator[str]:
    """Each row as its first cell and, below it, `header value` pairs."""
    for index, section in enumerate(table.sections):
        if index:
            yield ""
        for row in section:
            yield INDENT + _coloured(row[0], safe_text(row[0].text), colour=colour)
            yield _pairs(table.columns[1:], row[1:], width, colour=colour)


def _pairs(
    columns: Iterable[Column], cells: Iterable[Cell], width: int | None, *, colour: bool
) -> str:
    """`header value` pairs that stay whole; coloured once they are where they belong."""
    pairs = [
        (f"{safe_text(column.header)} {safe_text(cell.text)}".replace(" ", "\0"), cell)
        for column, cell in zip(columns, cells, strict=True)
        if cell.text
    ]
    filled = textwrap.fill(
        (GAP + " ").join(pair for pair, _ in pairs),
        width or sys.maxsize,
        initial_indent=2 * INDENT,
        subsequent_indent=2 * INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for pair, cell in pairs:
        filled = filled.replace(pair, _coloured(cell, pair, colour=colour))
    return filled.replace("\0", " ")


def _coloured(cell: Cell, text: str, *, colour: bool) -> str:
    if not colour or not (cell.alarming or cell.pleasing):
        return text
    return f"{RED if cell.alarming else GREEN}{text}{RESET}"


def _halved(header: str, width: int) -> list[str]:
    """The header in one line if it fits, else broken at a space or after a _ near its middle."""
    header = safe_text(header)
    halves = [
        [header[: found.start()], header[found.end() :]]
        for found in re.finditer(" |(?<=_)(?=.)", header)
    ]
    if len(header) <= width or not halves:
        return [header]
    return min(halves, key=lambda lines: max(map(len, lines)))
