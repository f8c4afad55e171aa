"""The seeds that a comparison still takes, told below its verdicts with their command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optbench.report.command import command_lines, fenced
from optbench.report.layout import paragraph

if TYPE_CHECKING:
    from optbench.analysis.audit.extension import Extension


def heading(found: Extension) -> str:
    """What the command below it does."""
    if found.of_one_seed:
        return f"For a verdict, {found.seeds} seeds of each:"
    return f"The one extension, to {found.seeds} seeds of each:"


def extension_lines(found: Extension | None, width: int | None) -> list[str]:
    """For a terminal; empty without one."""
    if found is None:
        return []
    return [paragraph(heading(found), width), *command_lines(found.command, width)]


def extension_markdown(found: Extension | None) -> str:
    """A paragraph and a block after an empty line, with a final newline; empty without one."""
    return f"\n{heading(found)}\n\n{fenced(found.command)}\n" if found else ""


def extension_record(found: Extension | None) -> dict[str, Any] | None:
    """For programs; docs/formats.md describes it."""
    return None if found is None else {"seeds": found.seeds, "command": found.command}
