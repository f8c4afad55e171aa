"""What the checks of optimizers found: a section an optimizer, or a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.config.spec import display_name
from optbench.report.formats import check_format, render_table
from optbench.report.layout import GREEN, RED, RESET, paragraph
from optbench.report.table import Cell, Column, Table, cell
from optbench.training.check.finding import NEEDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.report.table import Row
    from optbench.training.check.finding import Checked, Finding

FORMATS = ("table", "markdown", "csv", "json")
_HUES = {"works": GREEN, "fails": RED}
_HANGING = " " * 28  # where reasons begin


def render_checks(
    checked: Sequence[Checked],
    output_format: str = "table",
    *,
    colour: bool = False,
    width: int | None = 80,
) -> str:
    """All findings about one optimizer, or a line about each of several.

    As csv and json all findings about all. Raises UsageError for a format not in `FORMATS`.
    """
    check_format(output_format, FORMATS)
    if output_format in ("csv", "json") or (len(checked) == 1 and output_format == "markdown"):
        return render_table(_findings_table(checked, output_format), output_format)
    if len(checked) == 1:
        return "\n".join(_section(checked[0], width, colour=colour)) + "\n"
    return render_table(summary_table(checked), output_format, colour=colour, width=width)


def _section(one: Checked, width: int | None, *, colour: bool) -> Iterator[str]:
    yield paragraph(_title(one), width)
    yield ""
    for finding in one.findings:
        told = _told(finding)
        line = f"  {told:<13}  {finding.check:<11}{finding.reason}"
        text = paragraph(line, width, hanging=_HANGING)
        if colour and told in _HUES:
            text = text.replace(told, f"{_HUES[told]}{told}{RESET}", 1)
        yield text
    yield ""
    yield paragraph(verdict(one), width)


def _told(finding: Finding) -> str:
    """The verdict to people; `fails` is kept for what prevents an optimizer's use."""
    optional = finding.verdict == "fails" and finding.check not in NEEDED
    return "without" if optional else finding.verdict


def _title(one: Checked) -> str:
    return " · ".join(filter(None, [one.candidate.target, one.candidate.given]))


def verdict(one: Checked) -> str:
    """Whether it can be used, in a sentence; `NEEDED` decides."""
    name = display_name(one.candidate.target)
    if one.usable:
        return f"{name} can be used: it constructs, learns, resumes and repeats."
    broken = [finding for finding in one.findings if _prevents(finding)]
    return f"{name} can't be used: {'; '.join(f'{f.check} fails' for f in broken)}."


def _prevents(finding: Finding) -> bool:
    return finding.check in NEEDED and finding.verdict != "works"


def _findings_table(checked: Sequence[Checked], output_format: str) -> Table:
    """A row a finding; the exact values for programs."""
    columns = tuple(
        Column(key, key) for key in ("optimizer", "check", "verdict", "reason", "value")
    )
    rows = tuple(
        (
            cell(one.candidate.target),
            cell(finding.check),
            cell(finding.verdict),
            cell(finding.reason),
            cell(finding.value),
        )
        for one in checked
        for finding in one.findings
    )
    if output_format != "markdown":
        return Table(columns, (rows,))
    shown = tuple(row[1:4] for row in rows)
    return Table(columns[1:4], (shown,), _title(checked[0]), (verdict(checked[0]),))


def summary_table(checked: Sequence[Checked]) -> Table:
    """A row an optimizer: whether it can be used, what it costs, what fails and what it lacks.

    What fails prevents its use, and has a column where one can't be used.
    """
    usable = sum(one.usable for one in checked)
    told = ("without",) if usable == len(checked) else ("fails", "without")
    columns = (
        Column("optimizer", "optimizer"),
        Column("usable", "usable"),
        Column("lr", "lr", "right", drop=2),
        Column("cost", "cost", "right", drop=1),
        Column("memory", "bytes", "right", drop=1),
        *(Column(name, name) for name in told),
    )
    notes = (
        f"{usable} of {len(checked)} can be used: they construct, learn, resume and repeat.",
        "lr: where it learns, if not at its default; cost: a step's time beside Adam's; bytes: of "
        "state a parameter (Adam: 8); without: what it is not to be combined with.",
    )
    return Table(columns, (tuple(_row(one, told) for one in checked),), notes=notes)


def _row(one: Checked, told: Sequence[str]) -> Row:
    cost, memory = (one.get(name) for name in ("cost", "memory"))
    return (
        cell(display_name(one.candidate.target)),
        Cell("yes" if one.usable else "no", one.usable, alarming=not one.usable),
        cell(one.lr),
        _number(cost),
        _number(memory),
        *(_named([f.check for f in one.findings if _told(f) == name]) for name in told),
    )


def _named(checks: Sequence[str]) -> Cell:
    text = ", ".join(checks)
    return Cell(text, text, f"{len(checks)} checks" if checks[2:] else None)


def _number(finding: Finding | None) -> Cell:
    if finding is None or finding.value is None:
        return cell(None)
    text = f"{finding.value:.1f}" if finding.value < 100 else f"{finding.value:,.0f}"
    return cell(finding.value, text)
