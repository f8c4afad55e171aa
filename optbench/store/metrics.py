"""metrics.csv: a row an evaluation, written and read back byte for byte."""

from __future__ import annotations

import csv
import io
import math
import re
from typing import TYPE_CHECKING

from optbench.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Row = dict[str, float | int | None]

COLUMNS = (
    "epoch",
    "steps",
    "examples",
    "lr",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "test_loss",
    "test_accuracy",
    "grad_norm",
    "update_norm",
    "param_norm",
)
COUNTS = frozenset({"steps", "examples"})
REQUIRED = frozenset({"epoch", "steps", "examples"})
MEASURED = frozenset(name for name in COLUMNS if name.endswith(("_loss", "_accuracy")))

# Beyond what float32 training gives (1e-45 to 3e38, and means of it); between them intervals,
# which take fourth powers of values and of their differences, stay within a double.
SMALLEST, LARGEST = 1e-60, 1e60
LONGEST = 2**63  # epochs, steps, examples
_USUAL = dict.fromkeys(REQUIRED, (0, LONGEST - 1)) | dict.fromkeys(MEASURED, (SMALLEST, LARGEST))

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")


class MetricsError(StoreError):
    """metrics.csv is torn or damaged; the text names line and column."""


def format_rows(rows: Sequence[Row]) -> str:
    """The text of metrics.csv; the first row says which columns follow the common ones."""
    extra = [name for name in (rows[0] if rows else ()) if name not in COLUMNS]
    header = [*COLUMNS, *extra]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([format_cell(row.get(name)) for name in header] for row in rows)
    return stream.getvalue()


def format_cell(value: float | None) -> str:
    """The shortest text that reads back as the same number; empty for None."""
    return "" if value is None else repr(value)


def parse_rows(text: str) -> list[Row]:
    """The rows of a metrics.csv; MetricsError names the first line and column that are wrong."""
    lines = text.splitlines(keepends=True)
    if not lines:
        raise MetricsError("line 1: the header is missing")
    if not lines[-1].endswith("\n"):
        raise MetricsError(f"line {len(lines)}: torn, it has no line break at its end")
    try:
        cells = list(csv.reader(lines, strict=True))
    except csv.Error as error:
        raise MetricsError(f"not a table of comma-separated values: {error}") from error
    header = _checked_header(cells[0])
    try:
        return _parse_columns(header, cells[1:])
    except ValueError:  # line by line, to name the first that is wrong
        return [_parse_row(header, row, line) for line, row in enumerate(cells[1:], start=2)]


def best_row(rows: Sequence[Row]) -> Row | None:
    """The row of lowest validation loss; None without validation. Every stored loss is finite."""
    trained = [row for row in rows if row["steps"] and row["val_loss"] is not None]
    return min(trained, key=lambda row: float(row["val_loss"] or 0), default=None)


def _checked_header(header: list[str]) -> list[str]:
    for number, (expected, found) in enumerate(zip(COLUMNS, header, strict=False), start=1):
        if found != expected:
            raise MetricsError(f"line 1, column {number}: must be {expected!r}, got {found!r}")
    if len(header) < len(COLUMNS):
        raise MetricsError(f"line 1: column {COLUMNS[len(header)]!r} is missing")
    for name in header[len(COLUMNS) :]:
        if not name.isprintable() or header.count(name) > 1 or not name:
            raise MetricsError(f"line 1: {name!r} can't be the name of a further column")
    return header


def _parse_columns(header: Sequence[str], lines: Sequence[Sequence[str]]) -> list[Row]:
    """The rows, read by columns, which takes half the time; ValueError where one is wrong."""
    if any(len(cells) != len(header) for cells in lines):
        raise ValueError("a torn line")
    columns = [
        _parse_column(name, cells)
        for name, cells in zip(header, zip(*lines, strict=True), strict=bool(lines))
    ]
    return [dict(zip(header, row, strict=True)) for row in zip(*columns, strict=True)]


def _parse_column(name: str, cells: Sequence[str]) -> list[float | None]:
    """What `_parse_cell` makes of each cell."""
    if name not in REQUIRED and not any(cells):
        return [None] * len(cells)
    rest = _uniform(name, list(cells[1:]))  # nothing was trained yet in the first
    if rest is None:
        return [_parse_cell(name, cell) for cell in cells]
    return [_parse_cell(name, cells[0]), *rest]


def _uniform(name: str, cells: list[str]) -> Sequence[float] | None:
    """The numbers where all are of the column's usual kind and size; None asks for a closer look.

    A number's own text has to be the cell again, as `_parse_cell` wants it too.
    """
    kind: Callable[[str], float] = int if name in REQUIRED else float
    try:
        values = list(map(kind, cells))
    except ValueError:
        return None
    low, high = _USUAL.get(name, (-LARGEST, LARGEST))
    usual = all(low <= value <= high for value in values)
    return values if usual and list(map(repr, values)) == cells else None


def _parse_row(header: Sequence[str], cells: Sequence[str], line: int) -> Row:
    if len(cells) != len(header):
        raise MetricsError(f"line {line}: must have {len(header)} cells, got {len(cells)}")
    row: Row = {}
    for name, cell in zip(header, cells, strict=True):
        try:
            row[name] = _parse_cell(name, cell)
        except ValueError as error:
            message = f"line {line}, column {name}: must be {error}, got {cell[:40]!r}"
            raise MetricsError(message) from None
    return row


def _parse_cell(name: str, cell: str) -> float | None:
    if not cell:
        if name in REQUIRED:
            raise ValueError("a number")
        return None
    if _INTEGER.fullmatch(cell):
        value: float = int(cell)
    elif name in COUNTS:
        raise ValueError("a whole number")
    else:
        value = _parse_float(cell)
    _check_range(name, value)
    return value


def _check_range(name: str, value: float) -> None:
    """Refuse what training can't have written, nan among the progress included."""
    if name in REQUIRED and not 0 <= value < LONGEST:
        raise ValueError("from 0 to 2^63")
    if name in MEASURED and not _is_measurable(value):
        raise ValueError(f"0, {SMALLEST} to {LARGEST} in size, or not finite")


def _is_measurable(value: float) -> bool:
    return not value or not math.isfinite(value) or SMALLEST <= abs(value) <= LARGEST


def _parse_float(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise ValueError("a number") from None
    if repr(value) != cell:  # "+1.0", "1_0.5" or " 1.0" were never written by format_rows
        raise ValueError("a number as optbench writes it")
    return value
