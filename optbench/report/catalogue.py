"""`optbench list …`: names with a line about each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.report.formats import render_table
from optbench.report.table import Column, Table, cell

if TYPE_CHECKING:
    from collections.abc import Iterable


def render_catalogue(
    entries: Iterable[tuple[str, str, str]], output_format: str = "table", *, width: int = 80
) -> str:
    """The (name, summary, detail) entries in their order; the detail goes first in want of width.

    Raises UsageError for an unknown format.
    """
    columns: tuple[Column, ...] = (
        Column("name", "name"),
        Column("summary", "summary"),
        Column("detail", "detail", drop=1),
    )
    rows = [tuple(map(cell, entry)) for entry in entries]
    if not any(detail.text for *_, detail in rows):
        columns, rows = columns[:2], [row[:2] for row in rows]
    return render_table(Table(columns, (tuple(rows),)), output_format, width=width)
