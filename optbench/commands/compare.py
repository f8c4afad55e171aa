"""`optbench compare`: finished runs as a table, a document or a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.comparison import compare
from optbench.commands.screen import Screen, deliver
from optbench.errors import EXIT_OK
from optbench.report.comparison import render
from optbench.report.runs import render_notes
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.analysis.question import Question


@dataclass(frozen=True)
class Page:
    """How the answer is shown: as which format, in which file, with which picture beside it."""

    output_format: str = "table"
    output: Path | None = None
    chart: Path | None = None


def compare_command(
    roots: Sequence[Path], question: Question, page: Page, screen: Screen, errors: Screen
) -> int:
    """Show how the runs under `roots` compare; the exit code. `errors` takes the remarks."""
    found = scan(*roots)
    errors.write(render_notes(found.notes, width=errors.width))
    comparison = compare(found.runs, question)
    if page.chart is not None:  # before the table: a name that can't be drawn is told at once
        from optbench.report.chart import save_chart

        save_chart(comparison, page.chart)
    colour = screen.colour and page.output is None
    text = render(comparison, page.output_format, colour=colour, width=screen.width)
    deliver(text, page.output, screen)
    if page.chart is not None:
        errors.write(f"Chart: {page.chart}\n")
    errors.write(render_notes(comparison.notes, width=errors.width))
    return EXIT_OK
