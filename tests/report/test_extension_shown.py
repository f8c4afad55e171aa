"""The command that would decide stands where the verdict stands, in every format the same."""

from __future__ import annotations

import json
from html import unescape
from typing import TYPE_CHECKING

import pytest
import verdict_runs as runs
from experiments import command
from pages import Reader, page_of
from stored_runs import ADAM, SGD

from optbench import compare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOTH = pytest.mark.parametrize(
    ("write", "heading", "seeds"),
    [
        (runs.undecided, "The one extension, to 18 seeds of each:", 18),
        (runs.one_seed, "For a verdict, 8 seeds of each:", 8),
    ],
)


def compared(root: Path, output_format: str = "table") -> str:
    return command("compare", root, "--format", output_format).out


def in_terminal(root: Path, heading: str) -> str:
    """The command below the heading, its lines put together as a shell does."""
    _, _, below = compared(root).partition(f"{heading}\n  ")
    return below.replace(" \\\n    ", " ").partition("\n")[0]


@BOTH
def test_every_format_has_the_terminals_command(
    tmp_path: Path, write: Callable[[Path], None], heading: str, seeds: int
) -> None:
    write(tmp_path)
    told = in_terminal(tmp_path, heading)
    assert told.startswith("optbench run ")
    assert told.endswith(f" --seeds {seeds} --runs-dir {tmp_path}")
    (problem,) = json.loads(compared(tmp_path, "json"))["problems"]
    assert problem["extension"] == {"seeds": seeds, "command": told}
    assert f"\n{heading}\n\n```\n{told}\n```\n" in compared(tmp_path, "markdown")
    section, _, _ = page_of(tmp_path).partition('id="audit"')
    page = Reader(section)
    assert heading in [p.words for p in page.all("p")]
    assert [code.words for code in page.all("code")] == [told]
    notebook = compare(tmp_path)._repr_html_()
    assert f"<p>{heading}</p>\n<pre>{told}</pre>" in unescape(notebook)


@pytest.mark.parametrize("write", [runs.better, runs.second_look])
def test_where_nothing_is_open_json_says_null_and_pages_nothing(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    write(tmp_path)
    (problem,) = json.loads(compared(tmp_path, "json"))["problems"]
    assert problem["extension"] is None
    assert "seeds of each:" not in compared(tmp_path) + compared(tmp_path, "markdown")
    assert "seeds of each:" not in page_of(tmp_path)


def test_each_problem_has_its_own_below_its_own_verdicts(tmp_path: Path) -> None:
    runs.one_seed(tmp_path)
    for optimizer, finals in ((ADAM, runs.above(runs.SMALL)), (SGD, runs.BASE)):
        runs.store(tmp_path, optimizer, finals, problem="digits", experiment="digits")
    text = compared(tmp_path)
    places = [
        text.index(told)
        for told in ("digits ·", "The one extension, to 18", "mnist ·", "For a verdict, 8 seeds")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("output_format", ["table", "markdown"])
def test_the_audit_does_not_repeat_a_command_that_stands_above_it(
    tmp_path: Path, output_format: str
) -> None:
    runs.one_seed(tmp_path)
    text = compared(tmp_path, output_format)
    assert "Audit, 1 finding" in text
    assert text.count("config.yaml") == 2  # one a setting
    in_full = command("compare", tmp_path, "--format", output_format, "--audit").out
    assert in_full.count("config.yaml") == 4
