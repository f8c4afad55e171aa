"""`optbench runs show`: the page about one run."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from optbench.config.spec import format_value
from optbench.errors import StoreError
from optbench.report import numbers
from optbench.report.layout import INDENT, to_text
from optbench.report.runs import age, shown, steps_of_total
from optbench.report.table import Column, Table, safe_text
from optbench.report.words import quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from optbench.report.table import Cell
    from optbench.store.metrics import Row
    from optbench.store.result import Cohort, Result
    from optbench.store.stored_run import StoredRun

LAST_ROWS = 5
_ROW_COLUMNS = ("epoch", "steps", "train_loss", "val_loss", "val_accuracy", "test_accuracy")
_BEST = ("val_loss", "val_accuracy", "test_accuracy")


def render_run(
    run: StoredRun, *, now: float = 0.0, colour: bool = False, width: int | None = 80
) -> str:
    """What it is, what became of it, its last rows, how to repeat it, its files.

    `now`, in seconds since the epoch, is what the age of an unfinished run is reckoned from.
    """
    result = run.result
    sections = {
        "configuration": _flat(result.config),
        "sizes": vars(result.sizes),
        "environment": result.environment,
        "hashes": vars(result.hashes),
        "files": _files(run),
    }
    parts = ["\n".join(_lines(_facts(run, now))), _last_rows(run, colour=colour, width=width)]
    parts += ["\n".join([title, *_lines(values)]) for title, values in sections.items()]
    return "\n\n".join(parts) + "\n"


def _facts(run: StoredRun, now: float) -> dict[str, Any]:
    result = run.result
    done, total = steps_of_total(result)
    facts = {
        "status": result.status if result.reason is None else f"{result.status}: {result.reason}",
        "problem": result.labels.problem,
        "setting": result.labels.setting,
        "seed": result.seed,
        "experiment": result.experiment,
        "run": result.run,
        "directory": str(run.path),
        "steps": f"{done:,} of {total:,}{_committed(run, now)}",
        "best": _measured(result.best),
        "extended": _extended(result),
        "started": result.started,
        "time": "" if result.seconds is None else numbers.duration(result.seconds),
        "cohort": _cohort(result.cohort),
        "repeat": _command(run),
    }
    return {name: value for name, value in facts.items() if value != ""}


def _committed(run: StoredRun, now: float) -> str:
    """When an unfinished run was last stored."""
    if run.status not in ("running", "interrupted") or run.committed is None:
        return ""
    return f", stored {age(now - run.committed)}"


def _measured(row: Row | None) -> str:
    """`epoch 4: validation loss 0.090, test accuracy 97.5%`."""
    if row is None:
        return ""
    known = [(name, value) for name in _BEST if (value := row.get(name)) is not None]
    told = [f"{quantity(name)} {_form(name)(value)}" for name, value in known]
    epoch = row.get("epoch")
    when = "" if epoch is None else f"epoch {numbers.compact(epoch)}: "
    return f"{when}{', '.join(told)}"


def _extended(result: Result) -> str:
    """`from run 00b26b89, after epoch 5`."""
    base = result.extended
    return "" if base is None else f"from run {base.run[:8]}, after epoch {base.epochs:,}"


def _cohort(cohort: Cohort) -> str:
    """`5 runs, stacked: …` or `alone: …`."""
    together = "alone" if cohort.size == 1 else f"{cohort.size:,} runs"
    stacked = ", stacked" if cohort.stacked else ""
    return f"{together}{stacked}: {cohort.reason}"


def _command(run: StoredRun) -> str:
    """Trains it again, elsewhere, so that this one stays; empty without its configuration."""
    path = run.path / "config.yaml"
    return f"optbench run {shlex.quote(str(path))} --runs-dir repeated" if path.is_file() else ""


def _files(run: StoredRun) -> dict[str, str]:
    """Name → size, and the SHA-256 where one is recorded."""
    found = {}
    for path in sorted(run.path.iterdir()):
        if path.is_file() and not path.is_symlink():
            digest = run.result.files.get(path.name)
            size = f"{path.stat().st_size:,} bytes"
            found[path.name] = size if digest is None else f"{size}, SHA-256 {digest}"
    return found


def _last_rows(run: StoredRun, *, colour: bool, width: int | None) -> str:
    try:
        rows = run.rows
    except StoreError as error:
        return safe_text(str(error))
    names = [name for name in _ROW_COLUMNS if any(row.get(name) is not None for row in rows)]
    table = Table(
        columns=tuple(Column(name, name.replace("_", " "), "right") for name in names),
        sections=(tuple(_cells(row, names) for row in rows[-LAST_ROWS:]),),
    )
    return to_text(table, width=width, colour=colour).rstrip("\n")


def _cells(row: Row, names: Iterable[str]) -> tuple[Cell, ...]:
    return tuple(shown(row.get(name), _form(name)) for name in names)


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
