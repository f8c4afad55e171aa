"""A table in the formats that `--format` names; `layout` sets the terminal's."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from optbench.config.suggest import did_you_mean
from optbench.errors import ArgumentError
from optbench.report.latex import to_latex
from optbench.report.layout import to_text
from optbench.report.table import Table, Value, is_safe, safe_text
from optbench.store.result import without_non_finite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORMATS = ("table", "markdown", "csv", "json", "latex")
JUDGING_FORMATS = (*FORMATS, "junit")  # of what can pass or fail
SCHEMA = 1
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def check_format(name: str, formats: Sequence[str] = FORMATS) -> None:
    """Raise UsageError unless `name` is one of `formats`."""
    if name not in formats:
        hint = did_you_mean(name, formats)
        listed = f"must be one of {', '.join(formats)}, got {name!r}"
        raise ArgumentError("format", f"{listed}; {hint}" if hint else listed)


def render_table(
    table: Table, output_format: str, *, colour: bool = False, width: int | None = 80
) -> str:
    """The table in one of `FORMATS`; `colour` and `width` are for `table` alone (UsageError)."""
    check_format(output_format)
    if output_format == "table":
        return to_text(table, width=width, colour=colour)
    writers = {"markdown": to_markdown, "csv": to_csv, "json": to_json, "latex": to_latex}
    return writers[output_format](table)


def to_markdown(table: Table) -> str:
    """A GitHub table under a heading, the notes as paragraphs."""
    header = [markdown_text(column.header) for column in table.columns]
    rules = ["---:" if column.align == "right" else "---" for column in table.columns]
    body = [[markdown_text(cell.text) for cell in row] for row in table.rows]
    lines = [f"| {' | '.join(cells)} |" for cells in [header, rules, *body]]
    parts = [f"### {markdown_text(table.title)}"] if table.title else []
    return "\n\n".join([*parts, "\n".join(lines), *map(markdown_text, table.notes)]) + "\n"


def to_csv(table: Table) -> str:
    """The exact values under the columns' keys; text that a spreadsheet would run starts with '."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([_csv(column.key) for column in table.columns])
    writer.writerows([_csv(cell.value) for cell in row] for row in table.rows)
    return stream.getvalue()


def to_json(table: Table) -> str:
    """`{"schema": 1, "rows": [{key: exact value}]}`."""
    keys = [column.key for column in table.columns]
    rows = [dict(zip(keys, (cell.value for cell in row), strict=True)) for row in table.rows]
    return json_text({"schema": SCHEMA, "rows": rows})


def json_text(document: Mapping[str, Any]) -> str:
    """Strict JSON, indented: non-finite numbers as null, nothing in it that steers a terminal."""
    plain = without_non_finite(document)
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=1)
    for character in set(text) - {"\n"}:
        if not is_safe(character):
            text = text.replace(character, json.dumps(character)[1:-1])
    return text + "\n"


def markdown_text(text: str) -> str:
    """The text with what Markdown would take as markup escaped."""
    return re.sub(r"([\\|`*_<>\[\]$~])", r"\\\1", safe_text(text))


def _csv(value: Value) -> Value:
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else value
    text = safe_text(value)
    return f"'{text}" if value.startswith(_FORMULA) and not _is_number(value) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
