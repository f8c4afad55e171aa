"""Judged claims as terminal text, Markdown, JSON or JUnit XML."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from optbench.report.formats import SCHEMA, check_format, json_text, markdown_text
from optbench.report.grounds import sentences, statement
from optbench.report.junit import Case, to_junit
from optbench.report.layout import RED, RESET, paragraph
from optbench.report.records_of_grounds import nested_grounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.analysis.claims.judgement import Judgement

FORMATS = ("table", "markdown", "json", "junit")
_INDENT = " " * 13  # where a claim begins, after its verdict


def render_judgements(
    judgements: Sequence[Judgement],
    output_format: str = "table",
    *,
    colour: bool = False,
    width: int | None = 80,
) -> str:
    """All claims with what was found of each, and how many are as their files expect.

    Raises UsageError for a format that is not one of `FORMATS`.
    """
    check_format(output_format, FORMATS)
    if output_format == "table":
        return "\n".join(_lines(judgements, width, colour=colour)) + "\n"
    if output_format == "markdown":
        return _markdown(judgements)
    if output_format == "json":
        return json_text(_document(judgements))
    return to_junit("optbench verify", map(_case, judgements))


def _lines(judgements: Sequence[Judgement], width: int | None, *, colour: bool) -> Iterator[str]:
    for experiment, members in groupby(judgements, lambda judgement: judgement.experiment):
        yield f"{experiment}"
        for judgement in members:
            lines = paragraph(verdict_line(judgement), width, hanging=_INDENT).split("\n")
            if colour and not judgement.as_expected:
                lines[0] = lines[0].replace(judgement.found, f"{RED}{judgement.found}{RESET}", 1)
            yield from lines
            yield paragraph(_INDENT + " ".join(sentences(judgement)), width, hanging=_INDENT)
        yield ""
    yield _count(judgements)


def verdict_line(judgement: Judgement) -> str:
    """`  refuted    adam: train loss better than sgd; expected: supported`."""
    return f"  {judgement.found:<9}  {_title(judgement)}{_expectation(judgement)}"


def _title(judgement: Judgement) -> str:
    """The claim in words, and the problem where it was judged on several."""
    told = statement(judgement.claim)
    return f"{told} ({judgement.problem})" if judgement.is_one_of_several else told


def _expectation(judgement: Judgement) -> str:
    if not judgement.as_expected:
        return f"; expected: {judgement.claim.verdict}"
    return "" if judgement.found == "supported" else ", as its file expects"


def _count(judgements: Sequence[Judgement]) -> str:
    expected = sum(judgement.as_expected for judgement in judgements)
    noun = "claim" if len(judgements) == 1 else "claims"
    return f"{len(judgements):,} {noun}, {expected:,} as expected"


def _markdown(judgements: Sequence[Judgement]) -> str:
    rows = [
        f"| {'' if j.as_expected else '**'}{j.found}{'' if j.as_expected else '**'} "
        f"| {markdown_text(_title(j) + _expectation(j))} "
        f"| {markdown_text(' '.join(sentences(j)))} |"
        for j in judgements
    ]
    table = "\n".join(["| verdict | claim | numbers |", "| --- | --- | --- |", *rows])
    return f"### Claims\n\n{table}\n\n{_count(judgements)}\n"


def _document(judgements: Sequence[Judgement]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "claims": [_record(judgement) for judgement in judgements],
        "as_expected": sum(judgement.as_expected for judgement in judgements),
    }


def _record(judgement: Judgement) -> dict[str, Any]:
    claim = judgement.claim
    return {
        "experiment": judgement.experiment,
        "file": claim.node.mark.file,
        "line": claim.node.mark.line,
        "claim": statement(claim),
        "statement": claim.statement,
        "metric": claim.metric or None,
        "setting": dict(claim.setting),
        "other": dict(claim.other) or None,
        "problem": judgement.problem,
        "requested_dataset": judgement.stand_in,
        "found": judgement.found,
        "expected": claim.verdict,
        "as_expected": judgement.as_expected,
        "chosen": list(judgement.chosen),
        "chosen_by": judgement.chosen_by if judgement.chosen else None,
        "text": " ".join(sentences(judgement)),
        "numbers": nested_grounds(judgement.grounds),
    }


def _case(judgement: Judgement) -> Case:
    numbers = " ".join(sentences(judgement))
    failure = f"{judgement.found}{_expectation(judgement)}: {numbers}"
    return Case(
        suite=judgement.experiment,
        name=_title(judgement),
        text=numbers,
        failure=None if judgement.as_expected else failure,
    )
