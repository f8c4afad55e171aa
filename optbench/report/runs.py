"""`optbench runs list`: a line a run, those that go on or need a look first."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from optbench.analysis.setting import group_settings
from optbench.config.spec import display_name, short_value
from optbench.report import numbers
from optbench.report.formats import render_table
from optbench.report.layout import INDENT, paragraph
from optbench.report.table import Cell, Column, Table, cell
from optbench.report.values import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from optbench.store.result import Result, Status
    from optbench.store.stored_run import Note, StoredRun

MOST_NOTES = 20
LONGEST_SETTING = 30  # characters of a label that stand whole in a narrow terminal
FOR_PROGRAMS = ("csv", "json")  # formats that keep columns with nothing in them
ORDER: tuple[Status, ...] = (
    "running", "interrupted", "failed", "diverged", "pruned", "completed",
)  # fmt: skip

_COLUMNS = (
    Column("status", "status"),
    Column("experiment", "experiment", drop=2),
    Column("dataset", "data set", drop=1),
    Column("setting", "setting"),
    Column("seed", "seed", "right"),
    Column("epoch", "epoch", "right", drop=5),
    Column("progress", "steps", "right"),
    Column("train_loss", "train loss", "right", drop=4),
    Column("test_accuracy", "test accuracy", "right", drop=4),
    Column("seconds", "time", "right", drop=3),
    Column("run", "run"),
)
_NOW_COLUMNS = (
    Column("extended", "extended from", drop=5),
    Column("committed", "last commit", "right"),
    Column("reason", "reason"),
)


def render_runs(
    runs: Sequence[StoredRun],
    output_format: str = "table",
    *,
    now: float = 0.0,
    colour: bool = False,
    width: int | None = 80,
) -> str:
    """How many runs have which status, and a line a run; without a width nothing is left out.

    `now`, in seconds since the epoch, is what the age of the last commit of unfinished runs is
    reckoned from. Within a width reasons stand below the table, where they are never cut.
    Raises UsageError for an unknown format.
    """
    told = in_order(runs)
    table = runs_table(told)
    rows = tuple(
        (*row[:-1], _base(run.result), _age(run, now), cell(run.result.reason), row[-1])
        for row, run in zip(table.rows, told, strict=True)
    )
    columns = (*table.columns[:-1], *_NOW_COLUMNS, table.columns[-1])
    table = Table(columns, (rows,), title=counts_line(told))
    if output_format == "table" and width is not None:
        table = _with_reasons_below(table, told)
    if output_format not in FOR_PROGRAMS:
        table = _without_empty(table)
    return render_table(table, output_format, colour=colour, width=width)


def counts_line(runs: Iterable[StoredRun]) -> str:
    """`315 runs: 10 running, 3 diverged, 302 completed`."""
    counts = Counter(run.status for run in runs)
    number = counts.total()
    told = ", ".join(f"{counts[status]:,} {status}" for status in ORDER if counts[status])
    return f"{number:,} run{'s' * (number != 1)}{': ' * bool(told)}{told}"


def in_order(runs: Iterable[StoredRun]) -> list[StoredRun]:
    """By status, experiment, problem, optimizer, learning rate, the rest and seed."""
    ordered = [run for setting in group_settings(runs) for run in setting.runs]
    return sorted(
        ordered,
        key=lambda run: (
            ORDER.index(run.status),
            run.result.experiment,
            run.result.labels.problem,
        ),
    )


def runs_table(runs: Iterable[StoredRun]) -> Table:
    """A row a run, with its state after the last row."""
    return Table(_COLUMNS, (tuple(map(_summary, runs)),))


def render_notes(notes: Sequence[Note], *, width: int | None = None) -> str:
    """A paragraph a cause, with the first directory that has it; the first ones if there are many.

    Empty without any.
    """
    alike: dict[tuple[str, str], list[Note]] = {}
    for note in notes:
        alike.setdefault((note.kind, note.message), []).append(note)
    told = [_collapsed(same) for same in alike.values()]
    lines = [paragraph(text, width, hanging=INDENT) for text in told[:MOST_NOTES]]
    if len(told) > MOST_NOTES:
        lines.append(f"and {len(told) - MOST_NOTES:,} more like these")
    return "".join(f"{line}\n" for line in lines)


def _collapsed(notes: Sequence[Note]) -> str:
    """`runs/n/adam-s0 and 17 more: unfinished: failed` of notes that differ in their paths."""
    first = notes[0]
    if len(notes) == 1:
        return str(first)
    return f"{first.path} and {len(notes) - 1:,} more: {first.kind}: {first.message}"


def steps_of_total(result: Result) -> tuple[int, int]:
    """The steps of the last row, and how many the run has in all."""
    total = result.sizes.steps_per_epoch * int(result.config["training"].get("epochs", 0))
    return int((result.last or {}).get("steps") or 0), total


def age(seconds: float) -> str:
    """`12 s ago`, `5 min ago`, `3 h ago` or `2 days ago`."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"


def shown(value: float | None, form: Callable[[float], str]) -> Cell:
    """A cell that shows a number, or a dash where it was not measured."""
    return cell(value, numbers.DASH if value is None else form(value))


def _summary(run: StoredRun) -> tuple[Cell, ...]:
    result, last = run.result, run.result.last or {}
    alarming = result.status in ("diverged", "failed")
    setting = result.labels.setting
    return (
        Cell(result.status, result.status, alarming=alarming),
        cell(result.experiment),
        cell(display_name(str(result.config["dataset"]["name"]))),
        Cell(setting, setting, short=shortened(_rounded(setting), LONGEST_SETTING)),
        cell(result.seed),
        shown(last.get("epoch"), numbers.compact),
        _progress(result),
        shown(last.get("train_loss"), numbers.loss),
        shown(last.get("test_accuracy"), numbers.percent),
        shown(result.seconds, numbers.duration),
        cell(result.run, result.run[:8]),
    )


def _rounded(label: str) -> str:
    """The label with its long numbers in four digits."""
    return re.sub(r"\d+\.\d+(e-?\d+)?", lambda found: short_value(float(found[0])), label)


def _progress(result: Result) -> Cell:
    """`2,814 of 4,690` or 60% of a run that is not complete; the share for programs."""
    done, total = steps_of_total(result)
    if not total:
        return Cell(numbers.DASH)
    share = done / total
    if result.status == "completed":
        return cell(share, f"{done:,}")
    return Cell(f"{done:,} of {total:,}", share, short=f"{int(100 * share)}%")


def _base(result: Result) -> Cell:
    """The shorter run that it went on from, and after which epoch."""
    base = result.extended
    return Cell("") if base is None else cell(base.run, f"{base.run[:8]} at {base.epochs:,}")


def _age(run: StoredRun, now: float) -> Cell:
    """When an unfinished run was last stored."""
    committed = run.committed if run.status in ("running", "interrupted") else None
    if committed is None:
        return Cell("")
    stamp = datetime.fromtimestamp(committed, UTC).isoformat(timespec="seconds")
    return cell(stamp, age(now - committed))


def _with_reasons_below(table: Table, runs: Iterable[StoredRun]) -> Table:
    """Each reason once, after the runs that ended for it."""
    reasons: dict[str, list[str]] = {}
    for run in runs:
        if run.result.reason:
            reasons.setdefault(run.result.reason, []).append(run.result.run[:8])
    notes = [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [f"and {len(notes) - MOST_NOTES:,} more reasons: --format csv"]
    rows = tuple((*row[:-2], Cell(""), row[-1]) for row in table.rows)
    return replace(table, sections=(rows,), notes=tuple(notes))


def _without_empty(table: Table) -> Table:
    kept = [
        index
        for index in range(len(table.columns))
        if not table.rows or any(row[index].text for row in table.rows)
    ]
    return replace(
        table,
        columns=tuple(table.columns[index] for index in kept),
        sections=(tuple(tuple(row[index] for index in kept) for row in table.rows),),
    )
