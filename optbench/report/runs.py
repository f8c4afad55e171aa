"""`optbench runs`: the list of runs, and the page about one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.config.spec import format_value
from optbench.errors import StoreError
from optbench.report import numbers
from optbench.report.formats import render_table
from optbench.report.layout import INDENT, paragraph, to_text
from optbench.report.table import Cell, Column, Table, cell, safe_text
from optbench.report.values import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from optbench.store.metrics import Row
    from optbench.store.scan import Note, StoredRun

MOST_NOTES = 20
LAST_ROWS = 5
LONGEST_SETTING = 30  # characters of a label that stand whole in a narrow terminal

_COLUMNS = (
    Column("status", "status"),
    Column("experiment", "experiment", drop=2),
    Column("dataset", "data set", drop=1),
    Column("setting", "setting"),
    Column("seed", "seed", "right"),
    Column("epoch", "epoch", "right"),
    Column("train_loss", "train loss", "right", drop=4),
    Column("test_accuracy", "test accuracy", "right", drop=4),
    Column("seconds", "time", "right", drop=3),
    Column("run", "run"),
)
_ROW_COLUMNS = ("epoch", "steps", "train_loss", "val_loss", "val_accuracy", "test_accuracy")


def render_runs(
    runs: Iterable[StoredRun],
    output_format: str = "table",
    *,
    colour: bool = False,
    width: int | None = 80,
) -> str:
    """A line a run, with its state after the last row; without a width nothing is left out.

    Raises UsageError for an unknown format.
    """
    return render_table(runs_table(runs), output_format, colour=colour, width=width)


def runs_table(runs: Iterable[StoredRun]) -> Table:
    """A row a run, with its state after the last row."""
    return Table(_COLUMNS, (tuple(map(_summary, runs)),))


def render_run(run: StoredRun, *, colour: bool = False, width: int | None = 80) -> str:
    """The page about one run: what it is, what became of it, its last rows, its files."""
    result = run.result
    facts = {
        "status": result.status if result.reason is None else f"{result.status}: {result.reason}",
        "problem": result.labels.problem,
        "setting": result.labels.setting,
        "seed": result.seed,
        "run": result.run,
        "directory": str(run.path),
        "started": result.started,
        "time": "" if result.seconds is None else numbers.duration(result.seconds),
    }
    sections = {
        "configuration": _flat(result.config),
        "sizes": vars(result.sizes),
        "environment": result.environment,
        "hashes": vars(result.hashes),
        "files (SHA-256)": result.files,
    }
    parts = ["\n".join(_lines(facts)), _last_rows(run, colour=colour, width=width)]
    parts += ["\n".join([title, *_lines(values)]) for title, values in sections.items()]
    return "\n\n".join(parts) + "\n"


def render_notes(notes: Sequence[Note], *, width: int | None = None) -> str:
    """A paragraph a note, the first ones if there are many; empty without any."""
    lines = [paragraph(str(note), width, hanging=INDENT) for note in notes[:MOST_NOTES]]
    if len(notes) > MOST_NOTES:
        lines.append(f"and {len(notes) - MOST_NOTES:,} more like these")
    return "".join(f"{line}\n" for line in lines)


def _summary(run: StoredRun) -> tuple[Cell, ...]:
    result, last = run.result, run.result.last or {}
    alarming = result.status in ("diverged", "failed")
    setting = result.labels.setting
    loss, accuracy = last.get("train_loss"), last.get("test_accuracy")
    return (
        Cell(result.status, result.status, alarming=alarming),
        cell(result.experiment),
        cell(result.config["dataset"]["name"]),
        Cell(setting, setting, short=shortened(setting, LONGEST_SETTING)),
        cell(result.seed),
        _shown(last.get("epoch"), numbers.compact),
        _shown(loss, numbers.loss),
        _shown(accuracy, numbers.percent),
        _shown(result.seconds, numbers.duration),
        cell(result.run, result.run[:8]),
    )


def _shown(value: float | None, form: Callable[[float], str]) -> Cell:
    return cell(value, numbers.DASH if value is None else form(value))


def _last_rows(run: StoredRun, *, colour: bool, width: int | None) -> str:
    try:
        rows = run.rows
    except StoreError as error:
        return safe_text(str(error))
    shown = [name for name in _ROW_COLUMNS if any(row.get(name) is not None for row in rows)]
    table = Table(
        columns=tuple(Column(name, name.replace("_", " "), "right") for name in shown),
        sections=(tuple(_measured(row, shown) for row in rows[-LAST_ROWS:]),),
    )
    return to_text(table, width=width, colour=colour).rstrip("\n")


def _measured(row: Row, names: Iterable[str]) -> tuple[Cell, ...]:
    return tuple(_shown(row.get(name), _form(name)) for name in names)


def _form(name: str) -> Callable[[float], str]:
    if name in ("epoch", "steps"):
        return numbers.compact
    return numbers.percent if name.endswith("_accuracy") else numbers.loss


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    """Aligned `key  value` lines."""
    keys = [safe_text(key) for key in values]
    width = max(map(len, keys), default=0)
    for key, value in zip(keys, values.values(), strict=True):
        yield f"{INDENT}{key.ljust(width)}  {safe_text(format_value(value))}".rstrip()
