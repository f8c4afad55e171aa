"""A comparison as terminal text, Markdown, CSV or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.report.formats import check_format, json_text, markdown_text, to_csv, to_markdown
from optbench.report.layout import paragraph, to_text
from optbench.report.records import document, record_table
from optbench.report.sentences import closing
from optbench.report.summary import summary_table

if TYPE_CHECKING:
    from optbench.analysis.comparison import Comparison


def render(
    comparison: Comparison,
    output_format: str = "table",
    *,
    colour: bool = False,
    width: int | None = 80,
) -> str:
    """The whole page with a final newline; `colour` and `width` are for `table` alone.

    Raises UsageError for a format that is not one of `formats.FORMATS`.
    """
    check_format(output_format)
    if output_format == "table":
        return _text(comparison, colour=colour, width=width)
    if output_format == "markdown":
        return _markdown(comparison)
    if output_format == "csv":
        return to_csv(record_table(comparison))
    return json_text(document(comparison))


def _text(comparison: Comparison, *, colour: bool, width: int | None) -> str:
    pages = []
    for problem in comparison.problems:
        table = to_text(summary_table(problem, comparison), width=width, colour=colour)
        words = [paragraph(sentence, width) for sentence in closing(problem, comparison)]
        pages.append("\n".join([table, *words, ""]))
    return "\n\n".join(pages)


def _markdown(comparison: Comparison) -> str:
    pages = []
    for problem in comparison.problems:
        table = to_markdown(summary_table(problem, comparison))
        words = markdown_text(" ".join(closing(problem, comparison)))
        pages.append(f"{table}\n{words}\n")
    return "\n".join(pages)
