"""A comparison for programs: flat records and a nested document, at full precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.analysis.audit.extension import extension
from optbench.analysis.interval import CONFIDENCE
from optbench.analysis.metric import METRICS, Metric
from optbench.config.spec import format_value
from optbench.report.extension import extension_record
from optbench.report.formats import SCHEMA
from optbench.report.records_of_searches import search_record
from optbench.report.records_of_verdicts import (
    flat_speedup,
    flat_verdict,
    nested_speedup,
    nested_verdict,
)
from optbench.report.table import Column, Table, Value, cell

if TYPE_CHECKING:
    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.interval import Estimate
    from optbench.analysis.rows import Difference, SettingRow
    from optbench.analysis.target import TimeToTarget

PREFIX = "hyperparameter."
IDENTITY = (
    "problem",
    "setting",
    "optimizer",
    "leads",
    "selected_by",
    "reference",
    "completed",
    "diverged",
    "total",
)
VERDICT_COLUMNS = (
    *(f"verdict{end}" for end in ("", "_why", "_test", "_n", "_p", "_alpha", "_level", "_look")),
    "verdict_comparisons",
    *(f"verdict_{part}{end}" for part in ("difference", "ratio") for end in ("", "_low", "_high")),
    *(f"p_better{end}" for end in ("", "_low", "_high")),
    *("equivalent", "shown", "seeds_far", "seeds_seen"),
)
OUTCOMES = (
    *(f"{column}{end}" for column in METRICS for end in ("", "_low", "_high")),
    "metric",
    "target",
    "reached",
    "median_epochs_to_target",
    "median_steps_to_target",
    "difference",
    "difference_low",
    "difference_high",
    "difference_n",
    "paired",
    *VERDICT_COLUMNS,
    *("speedup", "speedup_low", "speedup_high", "speedup_n", "speedup_dropped", "speedup_p"),
    "speedup_unit",
)


def record_table(comparison: Comparison) -> Table:
    """A row a setting over all problems; docs/formats.md names the columns."""
    told = [(row, problem) for problem in comparison.problems for row in problem.rows]
    records = [_record(row, problem) for row, problem in told]
    names = dict.fromkeys(name for row, _ in told for name in row.hyperparameters)
    asked = dict.fromkeys(column for row, _ in told for column in asked_for(row))
    more = [f"{column}{end}" for column in asked for end in ("", "_low", "_high")]
    keys = [*IDENTITY, *(f"{PREFIX}{name}" for name in names), *OUTCOMES, *more]
    rows = tuple(tuple(cell(record.get(key)) for key in keys) for record in records)
    return Table(tuple(Column(key, key) for key in keys), (rows,))


def document(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain nested data; docs/formats.md describes it."""
    return {
        "schema": SCHEMA,
        "metric": comparison.metric.name,
        "reference": comparison.reference,
        "confidence": CONFIDENCE,
        "where": list(comparison.where),
        "problems": [_problem(problem, comparison) for problem in comparison.problems],
        "searches": [search_record(found) for found in comparison.searches],
        "notes": [
            {"path": str(note.path), "kind": note.kind, "message": note.message}
            for note in comparison.notes
        ],
    }


def _record(row: SettingRow, problem: ProblemComparison) -> dict[str, Value]:
    record: dict[str, Value] = {
        "problem": problem.label,
        "setting": row.label,
        "optimizer": row.optimizer,
        "leads": row.leads,
        "selected_by": row.selected_by,
        "reference": row.is_reference,
        "completed": row.completed,
        "diverged": row.diverged,
        "total": row.total,
    }
    record |= hyperparameter_fields(row)
    for column in (*METRICS, *asked_for(row)):
        record |= _flat(column, row.estimates.get(column))
    record |= {"metric": problem.metric.name, "target": problem.target}
    if row.to_target is not None:
        record |= {
            "reached": row.to_target.reached,
            "median_epochs_to_target": row.to_target.median_epoch,
            "median_steps_to_target": row.to_target.median_steps,
        }
    record |= _flat("difference", row.difference.estimate if row.difference else None)
    if row.difference is not None:
        record |= {"difference_n": row.difference.estimate.n, "paired": row.difference.paired}
    return record | flat_verdict(row.verdict) | flat_speedup(row.speedup)


def asked_for(row: SettingRow) -> list[str]:
    """The columns that an experiment has measured beside those that every run has."""
    return [column for column in row.estimates if Metric(column).is_asked_for]


def hyperparameter_fields(row: SettingRow) -> dict[str, Value]:
    """`hyperparameter.lr` and so on."""
    return {f"{PREFIX}{name}": _plain(value) for name, value in row.hyperparameters.items()}


def _flat(name: str, estimate: Estimate | None) -> dict[str, Value]:
    if estimate is None:
        return {}
    return {name: estimate.mean, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _plain(value: Any) -> Value:
    return format_value(value) if isinstance(value, list | dict) else value


def _problem(problem: ProblemComparison, comparison: Comparison) -> dict[str, Any]:
    return {
        "problem": problem.key,
        "label": problem.label,
        "requested_dataset": problem.requested_dataset,
        "metric": problem.metric.name,
        "higher_is_better": problem.metric.higher_is_better,
        "selected_by": problem.criterion,
        "reference": problem.reference.label if problem.reference else None,
        "target": problem.target,
        "target_given": comparison.target_given,
        "unit": problem.unit,
        "margin": problem.margin,
        "differing": list(problem.differing),
        "settings": [_setting(row) for row in problem.rows],
        "extension": extension_record(extension(problem, comparison)),
    }


def _setting(row: SettingRow) -> dict[str, Any]:
    return {
        "setting": row.key,
        "label": row.label,
        "optimizer": row.optimizer,
        "hyperparameters": dict(row.hyperparameters),
        "leads": row.leads,
        "selected_by": row.selected_by,
        "reference": row.is_reference,
        "completed": row.completed,
        "diverged": row.diverged,
        "total": row.total,
        "estimates": {name: _estimate(found) for name, found in row.estimates.items()},
        "to_target": _times(row.to_target),
        "difference": _difference(row.difference),
        "verdict": nested_verdict(row.verdict),
        "speedup": nested_speedup(row.speedup),
        "runs": [str(run.path) for run in row.runs],
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "mean": estimate.mean,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
    }


def _times(times: TimeToTarget | None) -> dict[str, Any] | None:
    if times is None:
        return None
    return {
        "n": times.n,
        "reached": times.reached,
        "median_epoch": times.median_epoch,
        "median_steps": times.median_steps,
        "seeds": [
            {
                "seed": time.seed,
                "epoch": time.epoch,
                "steps": time.steps,
                "examples": time.examples,
                "seconds": time.seconds,
            }
            for time in times.seeds
        ],
    }


def _difference(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {
        "paired": difference.paired,
        **_estimate(difference.estimate),
        "seeds": list(difference.seeds),
        "reference_seeds": list(difference.reference_seeds),
        "survivors_only": difference.survivors_only,
    }
