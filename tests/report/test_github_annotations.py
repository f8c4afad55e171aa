"""Annotations against the escaping of GitHub's own toolkit, packages/core/src/command.ts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from experiments import command, write_experiment

from optbench.errors import Mark, Problem
from optbench.report.annotations import github_annotations

if TYPE_CHECKING:
    from pathlib import Path


def test_a_mistake_stands_beside_its_line() -> None:
    mark = Mark("configs/adam.yaml", 3, 13, "optimizer: {name: adm}")
    problem = Problem(mark, "optimizer.name", "unknown optimizer 'adm'", "did you mean 'adam'?", 3)
    assert github_annotations([problem]) == (
        "::error file=configs/adam.yaml,line=3,col=13,title=optimizer.name::"
        "unknown optimizer 'adm'%0Adid you mean 'adam'?\n"
    )


def test_every_mistake_is_a_line_of_its_own() -> None:
    problems = [Problem(Mark("a.yaml", line, 1), "seeds", "wrong") for line in (1, 2)]
    assert github_annotations(problems) == (
        "::error file=a.yaml,line=1,col=1,title=seeds::wrong\n"
        "::error file=a.yaml,line=2,col=1,title=seeds::wrong\n"
    )


@pytest.mark.parametrize(
    ("message", "escaped"),
    [
        ("100% of\r\nit: a, b", "100%25 of\\r%0Ait: a, b"),
        ("%0A", "%250A"),
        ("x\n::stop-commands::y", "x%0A::stop-commands::y"),
        ("\x1b[2J", "\\x1b[2J"),
        ("größer als 5 ×", "größer als 5 ×"),
    ],
)
def test_a_message_can_neither_end_nor_begin_a_command(message: str, escaped: str) -> None:
    problem = Problem(Mark("a.yaml", 1), "seeds", message)
    assert github_annotations([problem]) == f"::error file=a.yaml,line=1,title=seeds::{escaped}\n"


def test_a_property_can_not_begin_another() -> None:
    problem = Problem(Mark("a,line=9:b%.yaml", 1, 2), "model.{a: b,c}", "wrong")
    assert github_annotations([problem]) == (
        "::error file=a%2Cline=9%3Ab%25.yaml,line=1,col=2,title=model.{a%3A b%2Cc}::wrong\n"
    )


def test_a_mistake_on_no_line_names_its_place_in_the_message() -> None:
    problem = Problem(Mark("--set optimizer.lr=x"), "optimizer.lr", "must be a number")
    assert github_annotations([problem]) == (
        "::error title=optimizer.lr::--set optimizer.lr=x: must be a number\n"
    )


@pytest.mark.parametrize("arguments", [("validate",), ("run", "--dry-run")], ids=" ".join)
def test_on_github_a_refused_file_is_annotated_too(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_experiment(tmp_path, optimizer={"name": "adm"})
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    elsewhere = command(*arguments, path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    outcome = command(*arguments, path)
    assert (elsewhere.code, outcome.code) == (2, 2)
    assert "::error" not in elsewhere.err
    assert outcome.err.startswith(elsewhere.err)  # what people read stays as it is
    (line,) = outcome.err.removeprefix(elsewhere.err).splitlines()
    place = rf"file={re.escape(str(path))},line=1,col=\d+,title=optimizer.name"
    assert re.fullmatch(rf"::error {place}::unknown optimizer 'adm'.*", line)
