"""A command as text that can be pasted into a shell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from optbench.report.layout import INDENT
from optbench.report.table import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTINUED = " \\"
# Of a shell: what is quoted stays together, and so do an option and its value.
_WORD = re.compile(r"(?:--[\w-]+ (?!--))?(?:[^\s']|'[^']*')+")


def command_lines(command: str, width: int | None) -> Iterator[str]:
    """Indented lines that a shell takes as one; words are never broken."""
    lines = [INDENT]
    for word in _WORD.findall(safe_text(command)):
        gap = "" if lines[-1].isspace() else " "
        fits = width is None or len(lines[-1] + gap + word + _CONTINUED) <= width
        if gap and not fits:
            lines[-1] += _CONTINUED
            lines.append(2 * INDENT)
            gap = ""
        lines[-1] += gap + word
    yield from lines


def fenced(command: str, indent: str = "") -> str:
    """In Markdown, as a block of its own."""
    return "\n".join(f"{indent}{line}" for line in ("```", safe_text(command), "```"))
