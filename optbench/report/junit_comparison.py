"""A comparison as test cases: what CI should hear of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from optbench.report import words
from optbench.report.junit import Case
from optbench.report.verdicts import judged, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optbench.analysis.audit.finding import Finding
    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.rows import SettingRow


def cases(comparison: Comparison, findings: Iterable[Finding] = ()) -> Iterator[Case]:
    """For each setting whether all of its runs came to their end, then each contrast's verdict.

    A run that diverged or failed is a failure, and so is every finding of an audit. Better and
    worse both pass: which optimizer wins is no fault. A contrast without a decision is skipped,
    with the reason.
    """
    for problem in comparison.problems:
        for row in problem.rows:
            yield _finished(row, problem)
        for row in problem.contrasts:
            yield from _contrast(row, problem)
    for finding in findings:
        about = f": {', '.join(finding.settings)}" if finding.settings else ""
        remedy = f" Mended by: {finding.command}" if finding.command else ""
        message = f"{finding.message}{remedy}"
        yield Case(finding.problem, f"audit, {finding.kind}{about}", failure=message)


def _finished(row: SettingRow, problem: ProblemComparison) -> Case:
    counts = Counter(run.status for run in row.runs)
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    text = f"{told} of {row.total} seeds"
    broken = counts["diverged"] + counts["failed"]
    return Case(
        problem.label,
        f"{row.label}: every run completes",
        text=text,
        failure=text if broken else None,
        skipped=text if not broken and row.completed < row.total else None,
    )


def _contrast(row: SettingRow, problem: ProblemComparison) -> Iterator[Case]:
    reference, verdict = problem.reference, row.verdict
    if reference is None or verdict is None:
        return
    measured = words.quantity(problem.metric.name)
    words_of = sentences(row.name, reference.name, verdict, problem.metric, problem.margin)
    told = judged(row) and " ".join(words_of)
    text = told or f"no verdict: {verdict.why}"
    decided = verdict.decision in ("better", "worse") or bool(verdict.equivalent)
    yield Case(
        problem.label,
        f"{row.label} against {reference.label}: {measured}",
        text=text,
        skipped=None if decided else text,
    )
