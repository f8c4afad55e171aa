"""Findings as a section, a summary, Markdown and rows for programs."""

from __future__ import annotations

import csv
import json

import pytest

from optbench.catalog.candidate import candidate
from optbench.errors import UsageError
from optbench.report.check import render_checks, verdict
from optbench.training.check.finding import Checked, Finding

GOOD = Checked(
    candidate("adam", ["lr=0.01"]),
    0.01,
    (
        *(Finding(name, "works", "well") for name in ("constructs", "learns", "resumes")),
        Finding("repeats", "works", "the same bytes twice"),
        Finding("sparse", "fails", "refuses them: " + "very much " * 9),
        Finding("stacks", "doesn't apply", "trains alone"),
        Finding("cost", "works", "1.3 times the time of Adam's step", 1.25),
        Finding("memory", "works", "8 bytes", 8.0001),
    ),
)
BAD = Checked(
    candidate("rprop"),
    None,
    (
        Finding("constructs", "works", "with its defaults"),
        Finding("learns", "fails", "does not halve the loss"),
        Finding("resumes", "fails", "a | b"),
        Finding("repeats", "works", "the same bytes twice"),
    ),
)


def test_one_optimizer_has_a_line_a_check_within_the_width() -> None:
    text = render_checks([GOOD], width=80)
    lines = text.splitlines()
    assert lines[0] == "adam · lr=0.01"
    assert lines[2] == "  works          constructs well"
    assert all(len(line) <= 80 for line in lines)
    assert [line.split()[:2] for line in lines if line.startswith("  without")] == [
        ["without", "sparse"]
    ]
    assert not any(line.startswith("  fails") for line in lines)
    assert lines[-1] == "adam can be used: it constructs, learns, resumes and repeats."


def test_what_prevents_its_use_is_named() -> None:
    assert "  fails          learns     does not halve the loss" in render_checks([BAD])
    assert verdict(BAD) == "rprop can't be used: learns fails; resumes fails."


def test_a_check_that_is_needed_and_was_not_made_prevents_it() -> None:
    assert not Checked(GOOD.candidate, None, GOOD.findings[:3]).usable


def test_several_have_a_line_each() -> None:
    lines = render_checks([GOOD, BAD], width=80).splitlines()
    head = "  optimizer  usable    lr  cost  bytes  fails            without"
    assert lines[0] == head
    assert lines[1] == "  adam       yes     0.01   1.2    8.0                   sparse"
    assert lines[2] == "  rprop      no                         learns, resumes"
    assert lines[4] == "1 of 2 can be used: they construct, learn, resume and repeat."


def test_where_all_can_be_used_nothing_fails() -> None:
    lines = render_checks([GOOD, GOOD], width=80).splitlines()
    assert lines[0].split() == ["optimizer", "usable", "lr", "cost", "bytes", "without"]
    assert "fail" not in " ".join(lines)


def test_programs_get_every_finding_of_all() -> None:
    rows = json.loads(render_checks([GOOD, BAD], "json"))["rows"]
    assert len(rows) == len(GOOD.findings) + len(BAD.findings)
    assert rows[6] == {
        "optimizer": "adam",
        "check": "cost",
        "verdict": "works",
        "reason": "1.3 times the time of Adam's step",
        "value": 1.25,
    }
    table = list(csv.DictReader(render_checks([GOOD, BAD], "csv").splitlines()))
    assert [row["check"] for row in table] == [row["check"] for row in rows]


def test_markdown_is_a_table_with_its_marks_escaped() -> None:
    text = render_checks([BAD], "markdown")
    assert "| check | verdict | reason |" in text
    assert "| resumes | fails | a \\| b |" in text


def test_colour_is_for_verdicts_alone() -> None:
    lines = render_checks([GOOD], colour=True).splitlines()
    assert lines[2].startswith("  \x1b[32mworks\x1b[0m          constructs")
    assert sum("\x1b[31m" in line for line in lines) == 0  # optional abilities alarm nobody
    assert render_checks([BAD], colour=True).count("\x1b[31m") == 2


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match="format must be one of table, markdown, csv, json"):
        render_checks([GOOD], "yaml")
