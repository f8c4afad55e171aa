"""`optbench check`: what an optimizer can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.catalog.candidate import candidate
from optbench.errors import EXIT_CLAIM, EXIT_OK, ConfigError, Problem
from optbench.execution.examination import Examiner
from optbench.execution.signals import Interruptions
from optbench.report.check import FORMATS, render_checks
from optbench.report.formats import check_format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.catalog.candidate import Candidate
    from optbench.commands.screen import Screen


def check_command(
    targets: Sequence[str],
    assignments: Sequence[str],
    limit: float,
    output_format: str,
    screen: Screen,
) -> int:
    """Check each target in turn and show what was found; 1 unless all can be used.

    Raises ConfigError with every mistake in names and arguments before anything is checked.
    """
    check_format(output_format, FORMATS)
    candidates = _candidates(targets, assignments)
    interruptions = Interruptions()
    with interruptions.caught(), Examiner(interruptions, limit) as examiner:
        checked = [examiner.examine(one) for one in candidates]
    screen.write(render_checks(checked, output_format, colour=screen.colour, width=screen.width))
    return EXIT_OK if all(one.usable for one in checked) else EXIT_CLAIM


def _candidates(targets: Sequence[str], assignments: Sequence[str]) -> list[Candidate]:
    found, problems = [], list[Problem]()
    for target in targets:
        try:
            found.append(candidate(target, assignments))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return found
