"""`optbench report`: finished runs as one page for browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.audit.audit import audit
from optbench.analysis.comparison import compare
from optbench.analysis.search import with_searches
from optbench.analysis.where import concerned
from optbench.errors import EXIT_OK
from optbench.report.html.page import render_report
from optbench.report.runs import render_notes
from optbench.store.atomic import write_output
from optbench.store.scan import scan
from optbench.store.tuning import studies

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.analysis.question import Question
    from optbench.commands.screen import Screen


def report_command(roots: Sequence[Path], question: Question, output: Path, errors: Screen) -> int:
    """Write the page about the runs under `roots`; the exit code. `errors` takes the remarks."""
    found = scan(*roots)
    notes = concerned(found, question.where)
    errors.write(render_notes(notes, width=errors.width))
    comparison = with_searches(compare(found.runs, question, studies(*roots)), roots)
    errors.write(render_notes(comparison.notes, width=errors.width))
    page = render_report(comparison, audit(comparison), (*notes, *comparison.notes))
    write_output(output, page.encode())
    errors.write(f"Report: {output}\n")
    return EXIT_OK
