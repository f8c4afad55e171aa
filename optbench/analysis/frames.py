"""Stored runs as a tidy data frame: a row an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.analysis.setting import held, hyperparameters
from optbench.config.spec import format_value
from optbench.store.metrics import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars

    from optbench.store.stored_run import StoredRun

IDENTITY = ("experiment", "status", "problem", "setting", "optimizer", "seed")


def to_frame(runs: Iterable[StoredRun]) -> polars.DataFrame:
    """All rows of all runs: who they are, every hyperparameter, every column of metrics.csv.

    A hyperparameter named like another column is prefixed (`optimizer.lr`, since `lr` is the
    one in use at that row). Lists and mappings are text. Raises StoreError for damaged rows.
    """
    import polars

    all_runs = list(runs)
    beside = held(run.result.config for run in all_runs)
    records = [record for run in all_runs for record in _records(run, beside)]
    if not records:
        return polars.DataFrame(schema=[*IDENTITY, *COLUMNS])
    names = dict.fromkeys(name for record in records for name in record)
    frame = polars.DataFrame(records, infer_schema_length=None, strict=False)
    ordered = sorted(names, key=_group)
    return frame.select(ordered)


def _records(run: StoredRun, beside: frozenset[str]) -> list[dict[str, Any]]:
    result = run.result
    identity = {
        "experiment": result.experiment,
        "status": result.status,
        "problem": result.labels.problem,
        "setting": result.labels.setting,
        "optimizer": result.config["optimizer"]["name"],
        "seed": result.seed,
    }
    constant = identity | _columns_of(hyperparameters(result.config, beside))
    return [constant | row for row in run.rows]


def _columns_of(values: Mapping[str, Any]) -> dict[str, Any]:
    taken = {*IDENTITY, *COLUMNS}
    return {
        f"optimizer.{name}" if name in taken else name: _plain(value)
        for name, value in values.items()
    }


def _plain(value: Any) -> Any:
    return format_value(value) if isinstance(value, list | dict) else value


def _group(name: str) -> int:
    """Identity, hyperparameters, then what was measured; a stable sort keeps the rest."""
    if name in IDENTITY:
        return 0
    return 2 if name in COLUMNS or name.startswith("lr.") else 1
