"""JUnit XML, which CI services show as a list of tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from optbench.report.table import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Case:
    """One line of a test report: passed unless it failed or was skipped, each with a reason.

    `suite` groups cases; `text` is told in any case.
    """

    suite: str
    name: str
    text: str = ""
    failure: str | None = None
    skipped: str | None = None


def to_junit(name: str, cases: Iterable[Case]) -> str:
    """A `testsuites` document called `name`, a `testsuite` for each suite of the cases."""
    told = tuple(cases)
    suites: dict[str, list[Case]] = {}
    for case in told:
        suites.setdefault(case.suite, []).append(case)
    root = ElementTree.Element("testsuites", {"name": name, **_counts(told)})
    for suite, members in suites.items():
        element = ElementTree.SubElement(root, "testsuite", _attributes(suite, members))
        for case in members:
            _append(element, case)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'


def _attributes(suite: str, cases: Sequence[Case]) -> dict[str, str]:
    return {"name": safe_text(suite), **_counts(cases)}


def _counts(cases: Sequence[Case]) -> dict[str, str]:
    failed = sum(case.failure is not None for case in cases)
    skipped = sum(case.skipped is not None for case in cases)
    return {
        "tests": str(len(cases)),
        "failures": str(failed),
        "errors": "0",
        "skipped": str(skipped),
    }


def _append(suite: ElementTree.Element, case: Case) -> None:
    told = {"classname": safe_text(case.suite), "name": safe_text(case.name)}
    element = ElementTree.SubElement(suite, "testcase", told)
    if case.failure is not None:
        message = safe_text(case.failure)
        ElementTree.SubElement(element, "failure", {"message": message}).text = message
    elif case.skipped is not None:
        ElementTree.SubElement(element, "skipped", {"message": safe_text(case.skipped)})
    if case.text:
        ElementTree.SubElement(element, "system-out").text = safe_text(case.text)
