"""A comparison as terminal text, Markdown, LaTeX, CSV, JSON or JUnit XML."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from optbench.analysis.audit.extension import extension
from optbench.report.audit import audit_records
from optbench.report.extension import extension_lines, extension_markdown
from optbench.report.footnotes import defaults
from optbench.report.formats import (
    JUDGING_FORMATS,
    check_format,
    json_text,
    markdown_text,
    to_csv,
    to_markdown,
)
from optbench.report.junit import to_junit
from optbench.report.junit_comparison import cases
from optbench.report.latex import to_latex
from optbench.report.layout import paragraph, to_text
from optbench.report.records import document, record_table
from optbench.report.seeds import seed_records
from optbench.report.sentences import closing, last_words
from optbench.report.summary import summary_table
from optbench.report.view import DEFAULT_VIEW, View, check_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.analysis.audit.finding import Finding
    from optbench.analysis.comparison import Comparison, ProblemComparison


def render(
    comparison: Comparison,
    output_format: str = "table",
    *,
    colour: bool = False,
    width: int | None = 80,
    view: View = DEFAULT_VIEW,
    findings: Sequence[Finding] = (),
) -> str:
    """The whole page with a final newline; `colour` and `width` are for `table` alone.

    The audit's `findings` stand in JSON, and fail in JUnit XML; people are told beside the page.
    Raises UsageError for a format that is not one of `formats.JUDGING_FORMATS` and for a column
    to sort by that there is not.
    """
    check_format(output_format, JUDGING_FORMATS)
    check_view(view, comparison)
    if output_format == "table":
        return _text(comparison, view, colour=colour, width=width)
    if output_format == "markdown":
        return _markdown(comparison, view)
    if output_format == "latex":
        return "\n".join(_latex(problem, comparison, view) for problem in comparison.problems)
    if output_format == "junit":
        return to_junit("optbench compare", cases(comparison, findings))
    if output_format == "csv":
        return to_csv((seed_records if view.all_seeds else record_table)(comparison))
    return json_text(document(comparison) | {"findings": audit_records(findings)})


def _text(comparison: Comparison, view: View, *, colour: bool, width: int | None) -> str:
    pages = []
    for problem in comparison.problems:
        table = to_text(summary_table(problem, comparison, view), width=width, colour=colour)
        words = [paragraph(sentence, width) for sentence in closing(problem, comparison)]
        more = extension_lines(extension(problem, comparison), width)
        pages.append("\n".join([table, *words, *more, ""]))
    last = [f"{paragraph(sentence, width)}\n" for sentence in last_words(comparison)]
    return "\n\n".join(pages) + ("\n" + "".join(last) if last else "")


def _latex(problem: ProblemComparison, comparison: Comparison, view: View) -> str:
    """Without what says how the command was called, which is nothing for a paper."""
    table, called = summary_table(problem, comparison, view), {*defaults(problem, comparison)}
    notes = tuple(note for note in table.notes if note not in called)
    return to_latex(dataclasses.replace(table, notes=notes))


def _markdown(comparison: Comparison, view: View) -> str:
    pages = []
    for problem in comparison.problems:
        table = to_markdown(summary_table(problem, comparison, view))
        words = markdown_text(" ".join(closing(problem, comparison)))
        more = extension_markdown(extension(problem, comparison))
        pages.append(f"{table}\n{words}\n{more}")
    if last := " ".join(last_words(comparison)):
        pages.append(f"{markdown_text(last)}\n")
    return "\n".join(pages)
