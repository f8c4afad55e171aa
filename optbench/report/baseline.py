"""Settings before and after, as terminal text or in any of the formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.report import numbers, words
from optbench.report.baseline_records import document, record_table
from optbench.report.baseline_words import in_brief, notes, remarks
from optbench.report.cells import column_decimals, estimate_cell
from optbench.report.formats import (
    JUDGING_FORMATS,
    check_format,
    json_text,
    markdown_text,
    to_csv,
    to_markdown,
)
from optbench.report.junit import Case, to_junit
from optbench.report.latex import latex_text, to_latex
from optbench.report.layout import paragraph, to_text
from optbench.report.table import Cell, Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from optbench.analysis.baseline import BaselineComparison, Change, ProblemChanges
    from optbench.analysis.interval import Estimate
    from optbench.analysis.metric import Metric
    from optbench.report.table import Row


def render_baseline(
    comparison: BaselineComparison,
    output_format: str = "table",
    *,
    colour: bool = False,
    width: int | None = 80,
) -> str:
    """The whole page with a final newline; `colour` and `width` are for `table` alone.

    Raises UsageError for a format that is not one of `formats.JUDGING_FORMATS`.
    """
    check_format(output_format, JUDGING_FORMATS)
    tables = [_table(problem, comparison.margin) for problem in comparison.problems]
    closing = list(remarks(comparison))
    match output_format:
        case "table":
            texts = [to_text(table, width=width, colour=colour) for table in tables]
            return "\n".join([*texts, *(paragraph(text, width) for text in closing), ""])
        case "markdown":
            return "\n".join([*map(to_markdown, tables), *_paragraphs(map(markdown_text, closing))])
        case "latex":
            return "\n".join([*map(to_latex, tables), *_paragraphs(map(latex_text, closing))])
        case "csv":
            return to_csv(record_table(comparison))
        case "junit":
            return to_junit("optbench compare --baseline", _cases(comparison))
    return json_text(document(comparison))


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield f"{text}\n"


def _table(problem: ProblemChanges, margin: float | None) -> Table:
    measured = words.quantity(problem.metric.name)
    columns = (
        Column("setting", "setting"),
        Column("n", "n", "right"),
        Column("before", "before", "right"),
        Column("after", "now", "right"),
        Column("outcome", "change"),
    )
    column = problem.metric.name
    both = [each for change in problem.changes for each in (change.before, change.after) if each]
    decimals = column_decimals(column, both)
    rows = tuple(_row(change, problem, decimals) for change in problem.changes)
    return Table(
        columns, (rows,), title=f"{problem.label} · {measured}", notes=tuple(notes(problem, margin))
    )


def _row(change: Change, problem: ProblemChanges, decimals: int) -> Row:
    metric = problem.metric
    return (
        Cell(change.label),
        Cell(str(len(change.seeds)) if change.seeds else numbers.DASH),
        _estimate(change.before, metric, decimals),
        _estimate(change.after, metric, decimals),
        Cell(
            in_brief(change, problem),
            alarming=change.outcome == "worse",
            pleasing=change.outcome == "better",
        ),
    )


def _estimate(estimate: Estimate | None, metric: Metric, decimals: int) -> Cell:
    if estimate is None:
        return Cell(numbers.DASH)
    return estimate_cell(metric.name, estimate, decimals, judged=False)


def _cases(comparison: BaselineComparison) -> Iterator[Case]:
    """A case a setting: worse is a failure; what could not be judged is skipped."""
    for problem in comparison.problems:
        for change in problem.changes:
            brief = in_brief(change, problem)
            yield Case(
                problem.label,
                f"{change.label}: {words.quantity(problem.metric.name)} against the baseline",
                text=brief,
                failure=brief if change.outcome == "worse" else None,
                skipped=brief if change.outcome in ("undecided", "missing", "new") else None,
            )
