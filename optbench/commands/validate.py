"""`optbench validate`: check experiment files without training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.claims.foresight import undecidable
from optbench.catalog.experiment import load_experiment
from optbench.errors import EXIT_OK, ConfigError, Problem
from optbench.report.layout import paragraph
from optbench.report.plan import describe_experiment, warning

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.commands.screen import Screen

NOT_LOOKED_AT = (
    "Whether model and data fit is not looked at here: `optbench run --dry-run` does, with torch."
)


def validate_command(
    configs: Sequence[Path], overrides: Sequence[str], screen: Screen, errors: Screen
) -> int:
    """A line a valid file, and a warning a claim that can't be decided; the exit code.

    Raises ConfigError with the mistakes of all files.
    """
    problems: list[Problem] = []
    for config in configs:
        try:
            experiment = load_experiment(config, overrides=overrides)
        except ConfigError as error:
            problems += error.problems
        else:
            screen.write(f"{describe_experiment(experiment)}\n")
            errors.write("".join(f"{warning(found)}\n" for found in undecidable(experiment)))
    if problems:
        raise ConfigError(problems)
    screen.write(f"{paragraph(NOT_LOOKED_AT, screen.width)}\n")
    return EXIT_OK
