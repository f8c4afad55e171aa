"""Settings before and after for programs: flat records and a nested document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.report.formats import SCHEMA
from optbench.report.records import VERDICT_COLUMNS
from optbench.report.records_of_verdicts import flat_verdict, nested_verdict
from optbench.report.table import Column, Table, Value, cell

if TYPE_CHECKING:
    from optbench.analysis.baseline import BaselineComparison, Change, ProblemChanges
    from optbench.analysis.interval import Estimate

_IDENTITY = (
    "problem",
    "setting",
    "metric",
    "outcome",
    "seeds",
    "same",
    "broken",
    "unfinished",
)
_INTERVALS = [f"{name}{end}" for name in ("before", "after") for end in ("", "_low", "_high")]


def record_table(comparison: BaselineComparison) -> Table:
    """A row a setting over all problems; docs/baseline.md names the columns."""
    records = [
        _record(change, problem) for problem in comparison.problems for change in problem.changes
    ]
    keys = [*_IDENTITY, *_INTERVALS, *VERDICT_COLUMNS]
    rows = tuple(tuple(cell(record.get(key)) for key in keys) for record in records)
    return Table(tuple(Column(key, key) for key in keys), (rows,))


def document(comparison: BaselineComparison) -> dict[str, Any]:
    """The comparison as plain nested data; docs/baseline.md describes it."""
    return {
        "schema": SCHEMA,
        "margin": comparison.margin,
        "where": list(comparison.where),
        "worse": comparison.is_worse,
        "environment": [vars(change) for change in comparison.environment],
        "problems": [
            {
                "problem": problem.key,
                "label": problem.label,
                "metric": problem.metric.name,
                "higher_is_better": problem.metric.higher_is_better,
                "settings": [_setting(change) for change in problem.changes],
            }
            for problem in comparison.problems
        ],
        "notes": [
            {"path": str(note.path), "kind": note.kind, "message": note.message}
            for note in comparison.notes
        ],
    }


def _record(change: Change, problem: ProblemChanges) -> dict[str, Value]:
    return {
        "problem": problem.label,
        "setting": change.label,
        "metric": problem.metric.name,
        "outcome": change.outcome,
        "seeds": len(change.seeds),
        "same": len(change.same),
        "broken": len(change.broken),
        "unfinished": len(change.unfinished),
        **_flat("before", change.before),
        **_flat("after", change.after),
        **flat_verdict(change.verdict),
    }


def _flat(name: str, estimate: Estimate | None) -> dict[str, Value]:
    if estimate is None:
        return {}
    return {name: estimate.mean, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _setting(change: Change) -> dict[str, Any]:
    return {
        "setting": change.key,
        "label": change.label,
        "outcome": change.outcome,
        "seeds": list(change.seeds),
        "same": list(change.same),
        "broken": list(change.broken),
        "unfinished": list(change.unfinished),
        "before": vars(change.before) if change.before else None,
        "after": vars(change.after) if change.after else None,
        "verdict": nested_verdict(change.verdict),
    }
