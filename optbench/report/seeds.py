"""A row a seed: what each run of a comparison ended on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optbench.analysis.metric import COMPARABLE, METRICS
from optbench.analysis.target import final
from optbench.report import numbers
from optbench.report.cells import RowCells
from optbench.report.records import asked_for, hyperparameter_fields
from optbench.report.table import Cell, Column, Row, Table, Value, cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.rows import SettingRow
    from optbench.analysis.target import SeedTime
    from optbench.store.stored_run import StoredRun

DECIMALS = 2  # of a percentage: a test set of 10,000 tells no more


def seed_sections(
    problem: ProblemComparison, rows: Iterable[SettingRow], columns: Sequence[Column]
) -> tuple[tuple[Row, ...], ...]:
    """The runs of each setting in a section of its own, one cell a column."""
    keys = tuple(column.key for column in columns)
    cells = RowCells(problem, keys)
    return tuple(
        tuple(_row(row, run, dict(zip(keys, cells.row(row), strict=True))) for run in row.runs)
        for row in rows
    )


def seed_records(comparison: Comparison) -> Table:
    """A row a run over all problems, with exact values; docs/formats.md names the columns."""
    records = [
        _record(problem, row, run)
        for problem in comparison.problems
        for row in problem.rows
        for run in row.runs
    ]
    keys = list(dict.fromkeys(key for record in records for key in record))
    rows = tuple(tuple(cell(record.get(key)) for key in keys) for record in records)
    return Table(tuple(Column(key, key) for key in keys), (rows,))


def _row(row: SettingRow, run: StoredRun, of_setting: dict[str, Cell]) -> Row:
    """The setting's cells with those that differ from seed to seed in their place."""
    return tuple(_seed_cell(row, run, key, shared) for key, shared in of_setting.items())


def _seed_cell(row: SettingRow, run: StoredRun, key: str, shared: Cell) -> Cell:
    if key == "n":
        return Cell(str(run.result.seed))
    if key == "to_target":
        return _time(_seed_time(row, run), row)
    if key not in COMPARABLE and key not in row.estimates:
        return shared
    if run.status != "completed":
        return Cell(run.status, alarming=run.status in ("diverged", "failed"))
    value = final(run, key)
    if value is None or math.isnan(value):
        return Cell(numbers.DASH if value is None else "not finite")
    return Cell(
        numbers.percent(value, DECIMALS) if key.endswith("accuracy") else numbers.loss(value)
    )


def _seed_time(row: SettingRow, run: StoredRun) -> SeedTime | None:
    times = row.to_target.seeds if row.to_target else ()
    return next((time for time in times if time.seed == run.result.seed), None)


def _time(found: SeedTime | None, row: SettingRow) -> Cell:
    if found is None or row.to_target is None:
        return Cell(numbers.DASH)
    time = found.at(row.to_target.unit)
    return Cell(numbers.DASH if time is None else numbers.compact(time))


def _record(problem: ProblemComparison, row: SettingRow, run: StoredRun) -> dict[str, Value]:
    last = run.rows[-1] if run.finished and run.rows else {}
    time = _seed_time(row, run)
    return {
        "problem": problem.label,
        "setting": row.label,
        "optimizer": row.optimizer,
        "reference": row.is_reference,
        "seed": run.result.seed,
        "status": run.status,
        **hyperparameter_fields(row),
        **{column: last.get(column) for column in (*METRICS, *asked_for(row))},
        "target": problem.target,
        "epochs_to_target": time.epoch if time else None,
        "steps_to_target": time.steps if time else None,
        "examples_to_target": time.examples if time else None,
        "run": str(run.path),
    }
