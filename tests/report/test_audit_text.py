from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from optbench.analysis.audit.audit import UNFAIRNESSES
from optbench.analysis.audit.finding import Finding
from optbench.report.audit import audit_lines, audit_markdown, audit_records

COMMAND = (
    "optbench run 'my runs/tiny/adam-lr0.01-s0-2620f6a4/config.yaml' "
    "'my runs/tiny/sgd-lr0.1-s0-6222468d/config.yaml' "
    "--set 'optimizer.lr={grid: [0.001, 0.01, 0.1]}' --seeds 8 --force"
)
UNTUNED = Finding(
    kind="untuned",
    message="neither optimizer was tuned (one learning rate each)",
    problem="mnist",
    settings=("adam lr=0.001", "sgd lr=0.01"),
    runs=tuple(Path("runs", name) for name in ("a/1", "a/2", "b/3", "b/4")),
    command=COMMAND,
    why="these settings are compared, not the optimizers at their best",
)
DOUBLED = Finding(
    kind="duplicate seeds",
    message="seeds 1, 2 are one",
    problem="mnist",
    settings=("sgd",),
    runs=(Path("runs/a/1"),),
    why="they are one replicate",
)


def test_a_single_finding_is_told_with_its_command() -> None:
    lines = audit_lines([UNTUNED]).splitlines()
    assert lines[0] == "Audit, 1 finding: neither optimizer was tuned (one learning rate each)."
    assert lines[1].startswith("  optbench run ")


def test_of_several_the_first_is_told_and_where_the_others_are() -> None:
    text = audit_lines([DOUBLED, UNTUNED])
    assert text == "Audit, 2 findings (--audit tells all): seeds 1, 2 are one.\n"


@pytest.mark.parametrize("width", [20, 80, 132, None])
def test_however_a_command_is_broken_a_shell_takes_it_as_it_was(width: int | None) -> None:
    _, printed = audit_lines([UNTUNED], width).split("\n  optbench", 1)
    assert shlex.split(f"optbench{printed}".replace("\\\n", " ")) == shlex.split(COMMAND)
    if width == 80:
        assert all(len(line) <= 80 for line in printed.splitlines())


def test_the_long_form_says_why_where_and_what_to_do() -> None:
    text = audit_lines([UNTUNED, DOUBLED], None, in_full=True)
    assert text == (
        "Audit, 2 findings:\n"
        "\n"
        "1. neither optimizer was tuned (one learning rate each); these settings are compared, not "
        "the optimizers at their best.\n"
        "  Settings: adam lr=0.001, sgd lr=0.01. Runs: 2 in runs/a, 2 in runs/b.\n"
        f"  {COMMAND}\n"
        "\n"
        "2. seeds 1, 2 are one; they are one replicate.\n"
        "  Settings: sgd. Runs: runs/a/1.\n"
    )


def test_findings_of_several_problems_say_which() -> None:
    other = Finding("untuned", "nobody tuned", "digits", ("sgd",), (), None, "luck decides")
    text = audit_lines([UNTUNED, other], None, in_full=True)
    assert "2. nobody tuned; luck decides. [digits]\n" in text


def test_markdown_escapes_the_message_and_quotes_the_command() -> None:
    odd = Finding("untuned", "my_opt lr=1|2", "mnist", ("my_opt",), (), "optbench run a", "luck")
    assert audit_markdown([odd]) == (
        "Audit, 1 finding:\n\n- my\\_opt lr=1\\|2; luck.\n\n  ```\n  optbench run a\n  ```\n"
    )


def test_control_characters_do_not_reach_the_terminal() -> None:
    odd = Finding("untuned", "\x1b[31mred", "mnist", (), (), "optbench run '\x1b[2J'")
    assert "\x1b" not in audit_lines([odd]) + audit_lines([odd], in_full=True)


def test_programs_get_everything() -> None:
    (record,) = audit_records([UNTUNED])
    assert record == {
        "kind": "untuned",
        "message": UNTUNED.message,
        "why": UNTUNED.why,
        "problem": "mnist",
        "settings": ["adam lr=0.001", "sgd lr=0.01"],
        "runs": ["runs/a/1", "runs/a/2", "runs/b/3", "runs/b/4"],
        "command": COMMAND,
    }


def test_the_documentation_has_a_section_for_each_finding_in_their_order() -> None:
    page = (Path(__file__).parents[2] / "docs" / "comparing.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (.+)$", page, re.MULTILINE) == [u.kind for u in UNFAIRNESSES]
