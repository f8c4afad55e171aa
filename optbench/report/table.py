"""One model of a table; `formats` knows how it looks as text, Markdown, CSV and JSON."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

Value = str | int | float | bool | None

_UNSAFE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


@dataclass(frozen=True)
class Column:
    """A column's name for programs (`key`), its header, and what gives way in a narrow terminal.

    Columns with a `drop` above 0 are left out, the highest first, where the table is too wide;
    `note` is what the table's notes say about the column, and goes with it. Where even that is
    not enough, columns marked `below` stand in a line below each row.
    """

    key: str
    header: str
    align: Literal["left", "right"] = "left"
    drop: int = 0
    note: str = ""
    below: bool = False


@dataclass(frozen=True)
class Cell:
    """What people read, a shorter form, the exact value, and whether it is bad or good news."""

    text: str
    value: Value = None
    short: str | None = None
    alarming: bool = False
    pleasing: bool = False


Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """Sections of rows under one header, with a title above and notes below."""

    columns: tuple[Column, ...]
    sections: tuple[tuple[Row, ...], ...]
    title: str = ""
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for section in self.sections for row in section)


def cell(value: Value, text: str | None = None) -> Cell:
    """A cell that shows `text`, or the value itself."""
    if text is None:
        text = "" if value is None else str(value)
    return Cell(text, value)


def is_safe(character: str) -> bool:
    """Whether a terminal prints it as it is: no control, format, unassigned or lone surrogate."""
    return unicodedata.category(character) not in _UNSAFE


def safe_text(text: str) -> str:
    """The text with what could steer a terminal or hide in a line written as \\x1b or \\u202e."""
    if text.isprintable():  # stricter than is_safe, and much quicker
        return text
    return "".join(
        character if is_safe(character) else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
