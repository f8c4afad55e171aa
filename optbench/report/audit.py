"""What an audit found, as text, as Markdown and for programs."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from optbench.report.formats import markdown_text
from optbench.report.layout import INDENT, paragraph
from optbench.report.table import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from optbench.analysis.audit.extension import Extension
    from optbench.analysis.audit.finding import Finding

MOST_NAMED = 3  # settings and runs that the long form names; the document has all
_CONTINUED = " \\"
# Of a shell: what is quoted stays together, and so do an option and its value.
_WORD = re.compile(r"(?:--[\w-]+ (?!--))?(?:[^\s']|'[^']*')+")


def audit_lines(
    findings: Sequence[Finding], width: int | None = 80, *, in_full: bool = False
) -> str:
    """The audit's part of the page, with a final newline.

    The short form counts the findings and tells the most important one, `in_full` tells all.
    """
    if not findings:
        return "Audit: no finding.\n"
    if in_full:
        return "\n".join([f"{_count(findings)}:", *_numbered(findings, width)])
    first = findings[0]
    others = " (--audit tells all)" if len(findings) > 1 else ""
    told = paragraph(f"{_count(findings)}{others}: {first.message}.", width)
    return "\n".join([told, *_command(first, width), ""])


def extension_lines(extensions: Iterable[Extension], width: int | None = 80) -> str:
    """The commands that would decide what is undecided, with a final newline; empty without any."""
    found = list(extensions)
    lines = []
    for one in found:
        place = f" [{one.problem}]" if len(found) > 1 else ""
        lines.append(paragraph(f"The one extension, to {one.seeds} seeds of each:{place}", width))
        lines += _lines(one.command, width)
    return "\n".join([*lines, ""]) if lines else ""


def audit_markdown(findings: Sequence[Finding], *, in_full: bool = False) -> str:
    """The same for a page in Markdown."""
    if not findings:
        return "Audit: no finding.\n"
    shown = findings if in_full else findings[:1]
    return "\n".join([f"{_count(findings)}:\n", *map(_item, shown)])


def audit_records(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """The findings as plain data; docs/formats.md describes them."""
    return [
        {
            "kind": finding.kind,
            "message": finding.message,
            "why": finding.why,
            "problem": finding.problem,
            "settings": list(finding.settings),
            "runs": [str(run) for run in finding.runs],
            "command": finding.command,
        }
        for finding in findings
    ]


def _count(findings: Sequence[Finding]) -> str:
    return f"Audit, {len(findings)} finding{'' if len(findings) == 1 else 's'}"


def _numbered(findings: Sequence[Finding], width: int | None) -> Iterator[str]:
    several = len({finding.problem for finding in findings}) > 1
    for number, finding in enumerate(findings, 1):
        place = f" [{finding.problem}]" if several else ""
        yield ""
        yield paragraph(f"{number}. {finding.message}; {finding.why}.{place}", width)
        yield paragraph(f"{INDENT}{_about(finding)}", width, hanging=INDENT)
        yield from _command(finding, width)
    yield ""


def _item(finding: Finding) -> str:
    text = f"- {markdown_text(f'{finding.message}; {finding.why}.')}"
    return f"{text}\n\n  ```\n  {finding.command}\n  ```\n" if finding.command else f"{text}\n"


def _about(finding: Finding) -> str:
    """Which settings and runs it concerns; of many how many there are, and where."""
    settings = finding.settings[:MOST_NAMED]
    more = len(finding.settings) - len(settings)
    rest = f" and {more:,} more" if more else ""
    return f"Settings: {', '.join(settings)}{rest}. Runs: {_places(finding.runs)}."


def _places(runs: Sequence[Path]) -> str:
    if len(runs) <= MOST_NAMED:
        return ", ".join(map(str, runs))
    folders = Counter(str(run.parent) for run in runs)
    return ", ".join(f"{count:,} in {folder}" for folder, count in folders.items())


def _command(finding: Finding, width: int | None) -> Iterator[str]:
    if finding.command is not None:
        yield from _lines(finding.command, width)


def _lines(command: str, width: int | None) -> Iterator[str]:
    """A command in lines that a shell takes as one; words are never broken."""
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
