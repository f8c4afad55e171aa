"""What an audit found, as text, as Markdown and for programs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from optbench.report.command import command_lines, fenced
from optbench.report.formats import markdown_text
from optbench.report.layout import INDENT, paragraph

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from optbench.analysis.audit.finding import Finding

MOST_NAMED = 3  # settings and runs that the long form names; the document has all


def audit_lines(
    findings: Sequence[Finding],
    width: int | None = 80,
    *,
    in_full: bool = False,
    above: Collection[str] = (),
) -> str:
    """The audit's part of the page, with a final newline.

    The short form counts the findings and tells the most important one, `in_full` tells all. The
    short form doesn't repeat commands that stand `above` it.
    """
    if not findings:
        return "Audit: no finding.\n"
    if in_full:
        return "\n".join([f"{_count(findings)}:", *_numbered(findings, width)])
    first = findings[0]
    others = " (--audit tells all)" if len(findings) > 1 else ""
    told = paragraph(f"{_count(findings)}{others}: {first.message}.", width)
    command = () if first.command in above else _command(first, width)
    return "\n".join([told, *command, ""])


def audit_markdown(
    findings: Sequence[Finding], *, in_full: bool = False, above: Collection[str] = ()
) -> str:
    """The same for a page in Markdown."""
    if not findings:
        return "Audit: no finding.\n"
    if in_full:
        items = [_item(finding, finding.command) for finding in findings]
    else:
        first = findings[0]
        items = [_item(first, None if first.command in above else first.command)]
    return "\n".join([f"{_count(findings)}:\n", *items])


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


def _item(finding: Finding, command: str | None) -> str:
    text = f"- {markdown_text(f'{finding.message}; {finding.why}.')}"
    return f"{text}\n\n{fenced(command, INDENT)}\n" if command else f"{text}\n"


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
        yield from command_lines(finding.command, width)
