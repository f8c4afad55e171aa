"""`optbench compare`: finished runs as a table, a document or a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench import __version__
from optbench.analysis.audit.audit import audit
from optbench.analysis.audit.extension import extensions
from optbench.analysis.comparison import compare
from optbench.analysis.search import with_searches
from optbench.analysis.where import concerned
from optbench.commands.screen import Screen, deliver
from optbench.errors import EXIT_CLAIM, EXIT_OK
from optbench.report.audit import audit_lines, audit_markdown
from optbench.report.comparison import render
from optbench.report.runs import render_notes
from optbench.report.view import DEFAULT_VIEW, View
from optbench.store.scan import scan
from optbench.store.tuning import studies

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.analysis.audit.finding import Finding
    from optbench.analysis.comparison import Comparison
    from optbench.analysis.question import Question
    from optbench.commands.chart import Chart


@dataclass(frozen=True)
class Page:
    """How the answer is shown: as which format, in which file, with which picture beside it."""

    output_format: str = "table"
    output: Path | None = None
    chart: Chart | None = None
    view: View = DEFAULT_VIEW
    methods: bool = False  # how the comparison was made instead of what it shows
    audit_in_full: bool = False
    strict: bool = False  # whether a finding is a failure, and a damaged run


def compare_command(
    roots: Sequence[Path], question: Question, page: Page, screen: Screen, errors: Screen
) -> int:
    """Show how the runs under `roots` compare and what is unfair about that; the exit code.

    `errors` takes the remarks.
    """
    found = scan(*roots)
    errors.write(render_notes(concerned(found, question.where), width=errors.width))
    comparison = with_searches(compare(found.runs, question, studies(*roots)), roots)
    if page.chart is not None:  # before the table: a name that can't be drawn is told at once
        page.chart.draw(comparison)
    findings = audit(comparison)
    deliver(_rendered(comparison, findings, page, screen), page.output, screen)
    if page.chart is not None:
        errors.write(f"Chart: {page.chart.path}\n")
    errors.write(render_notes(comparison.notes, width=errors.width))
    damaged = any(note.kind == "damaged" for note in (*found.notes, *comparison.notes))
    return EXIT_CLAIM if page.strict and (findings or damaged) else EXIT_OK


def _rendered(
    comparison: Comparison, findings: Sequence[Finding], page: Page, screen: Screen
) -> str:
    if page.methods:
        from optbench.report.methods import render_methods

        return render_methods(comparison, __version__, page.output_format, width=screen.width)
    colour = screen.colour and page.output is None
    failing = findings if page.strict or page.output_format != "junit" else ()
    text = render(
        comparison,
        page.output_format,
        colour=colour,
        width=screen.width,
        view=page.view,
        findings=failing,
    )
    above = {one.command for one in extensions(comparison)}
    match page.output_format:
        case "table":
            told = audit_lines(findings, screen.width, in_full=page.audit_in_full, above=above)
            return f"{text}\n{told}"
        case "markdown":
            told = audit_markdown(findings, in_full=page.audit_in_full, above=above)
            return f"{text}\n{told}"
    return text
