"""Where the runs were trained, and where they differ in it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.config.spec import format_value
from optbench.report import numbers
from optbench.report.table import Cell, Column, Table, cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optbench.store.stored_run import StoredRun

MOST_NAMED = 6  # runs that are named; of the rest the number is told

_COLUMNS = (
    Column("what", "what"),
    Column("value", "value"),
    Column("n", "runs", "right"),
    Column("which", "which"),
)


@dataclass(frozen=True)
class Environment:
    """What all runs record alike, by name, and a section of rows for each thing that differs."""

    shared: Mapping[str, str]
    differing: Table


def environment(runs: Sequence[StoredRun]) -> Environment:
    """The environments of these runs; what a run does not record counts as a dash."""
    names = dict.fromkeys(name for run in runs for name in run.result.environment)
    found = {name: _by_value(name, runs) for name in names}
    return Environment(
        shared={name: next(iter(values)) for name, values in found.items() if len(values) == 1},
        differing=Table(
            _COLUMNS,
            tuple(_section(name, values) for name, values in found.items() if len(values) > 1),
        ),
    )


def _by_value(name: str, runs: Iterable[StoredRun]) -> dict[str, list[StoredRun]]:
    """Value as text → the runs that have it, the commonest first."""
    found: dict[str, list[StoredRun]] = defaultdict(list)
    for run in runs:
        value = run.result.environment.get(name)
        found[numbers.DASH if value is None else format_value(value)].append(run)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def _section(name: str, values: Mapping[str, list[StoredRun]]) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        (cell("" if index else name), cell(value), cell(len(runs)), cell(_named(runs)))
        for index, (value, runs) in enumerate(values.items())
    )


def _named(runs: Sequence[StoredRun]) -> str:
    """The names of their directories: all of them, or the first and how many more."""
    names = sorted(run.path.name for run in runs)
    if len(names) <= MOST_NAMED:
        return ", ".join(names)
    return f"{', '.join(names[: MOST_NAMED - 1])} and {len(names) - MOST_NAMED + 1:,} more"
