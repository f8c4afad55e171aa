"""`optbench compare --baseline`: the same settings before and after, and a gate for CI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.baseline import compare_with_baseline
from optbench.commands.screen import Screen, deliver
from optbench.errors import EXIT_CLAIM, EXIT_OK, UsageError
from optbench.report.baseline import render_baseline
from optbench.report.runs import render_notes
from optbench.store.scan import scan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.analysis.question import Question
    from optbench.commands.compare import Page


def baseline_command(
    roots: Sequence[Path],
    baseline: Path,
    question: Question,
    page: Page,
    screen: Screen,
    errors: Screen,
) -> int:
    """Show what changed since the runs under `baseline`; 1 if anything is worse."""
    _check_options(question, page)
    now, before = scan(*roots), scan(baseline)
    errors.write(render_notes([*now.notes, *before.notes], width=errors.width))
    comparison = compare_with_baseline(now.runs, before.runs, question)
    colour = screen.colour and page.output is None
    text = render_baseline(comparison, page.output_format, colour=colour, width=screen.width)
    deliver(text, page.output, screen)
    errors.write(render_notes(comparison.notes, width=errors.width))
    return EXIT_CLAIM if comparison.is_worse else EXIT_OK


def _check_options(question: Question, page: Page) -> None:
    given = {
        "--by": question.by != "optimizer",
        "--chart": page.chart is not None,
        "--methods": page.methods,
        "--audit": page.audit_in_full,
        "--strict": page.strict,
    }
    option = next((name for name, is_given in given.items() if is_given), None)
    if option is not None:
        raise UsageError(f"{option} shows one store's runs and can't be used with --baseline")
