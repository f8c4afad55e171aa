"""Mistakes in experiment files as GitHub Actions shows them: beside the line, in the change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.report.table import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optbench.errors import Problem


def github_annotations(problems: Iterable[Problem]) -> str:
    """A workflow command a problem; GitHub reads them from either stream of a step's log.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    return "".join(f"{_annotation(problem)}\n" for problem in problems)


def _annotation(problem: Problem) -> str:
    mark = problem.mark
    place = {"file": mark.file, "line": str(mark.line), "col": str(mark.column)}
    told = {key: value for key, value in place.items() if mark.line and value != "0"}
    told["title"] = problem.key or "experiment file"
    properties = ",".join(f"{key}={_property(value)}" for key, value in told.items())
    message = problem.message if mark.line else f"{mark}: {problem.message}"
    text = _message(f"{message}\n{problem.remedy}".rstrip())
    return f"::error {properties}::{text}"


def _message(text: str) -> str:
    """Safe characters, and those escaped that the command's own syntax needs; `%` comes first."""
    lines = [safe_text(line) for line in text.replace("%", "%25").split("\n")]
    return "%0A".join(lines)


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
