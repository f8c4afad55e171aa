from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from stored_runs import ADAM, SGD, load, make_rows, write_run, write_seeds

from optbench.analysis.audit.finding import Finding
from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.report.comparison import render
from optbench.report.junit import Case, to_junit
from optbench.report.junit_comparison import cases

if TYPE_CHECKING:
    from pathlib import Path

GOOD = [0.970, 0.972, 0.968, 0.971, 0.969, 0.973, 0.967, 0.970]
BAD = [value - 0.05 + 0.0001 * seed for seed, value in enumerate(GOOD)]


def told(root: Path, **question: float) -> dict[str, tuple[str, str]]:
    """Case → passed, failure or skipped, and what it says."""
    text = render(compare(load(root), Question(**question)), "junit")  # type: ignore[arg-type]
    outcomes = {}
    for case in ElementTree.fromstring(text).iter("testcase"):  # noqa: S314 - our own text
        verdicts = [child for child in case if child.tag in ("failure", "skipped")]
        kind = verdicts[0].tag if verdicts else "passed"
        said = verdicts[0].get("message") if verdicts else case.findtext("system-out")
        outcomes[case.get("name") or ""] = kind, said or ""
    return outcomes


def test_cases_are_counted_by_suite_and_in_all() -> None:
    text = to_junit(
        "a <name>",
        [
            Case("one", "passes", text="fine"),
            Case("one", "fails", failure='said "no" & left'),
            Case("two", "wai\x1bts", skipped="too \x1bearly"),
        ],
    )
    assert text == (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<testsuites name="a &lt;name&gt;" tests="3" failures="1" errors="0" skipped="1">\n'
        '  <testsuite name="one" tests="2" failures="1" errors="0" skipped="0">\n'
        '    <testcase classname="one" name="passes">\n'
        "      <system-out>fine</system-out>\n"
        "    </testcase>\n"
        '    <testcase classname="one" name="fails">\n'
        '      <failure message="said &quot;no&quot; &amp; left">said "no" &amp; left</failure>\n'
        "    </testcase>\n"
        "  </testsuite>\n"
        '  <testsuite name="two" tests="1" failures="0" errors="0" skipped="1">\n'
        '    <testcase classname="two" name="wai\\x1bts">\n'
        '      <skipped message="too \\x1bearly" />\n'
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


@pytest.mark.parametrize(("adam", "word"), [(GOOD, "better"), (BAD, "worse")])
def test_a_decided_contrast_passes_whoever_wins(
    tmp_path: Path, adam: list[float], word: str
) -> None:
    write_seeds(tmp_path, adam, optimizer=ADAM)
    write_seeds(tmp_path, BAD if adam is GOOD else GOOD, optimizer=SGD)
    kind, said = told(tmp_path)["adam lr=0.001 against sgd lr=0.01: test accuracy"]
    assert kind == "passed"
    assert f"adam's test accuracy is {word} than sgd's" in said


def test_a_contrast_without_a_decision_is_skipped_with_the_reason(tmp_path: Path) -> None:
    write_seeds(tmp_path, GOOD[:3], optimizer=ADAM)
    write_seeds(tmp_path, BAD[:3], optimizer=SGD)
    kind, said = told(tmp_path)["adam lr=0.001 against sgd lr=0.01: test accuracy"]
    assert kind == "skipped"
    assert "3 pairs cannot reach a verdict; the one extension can, to 8" in said


def test_shown_equivalence_is_a_result(tmp_path: Path) -> None:
    write_seeds(tmp_path, GOOD, optimizer=ADAM)
    close = [value + 0.0001 * (-1) ** seed for seed, value in enumerate(GOOD)]
    write_seeds(tmp_path, close, optimizer=SGD)
    name = "adam lr=0.001 against sgd lr=0.01: test accuracy"
    assert told(tmp_path)[name][0] == "skipped"
    assert told(tmp_path, margin=0.005)[name][0] == "passed"


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_a_run_that_did_not_end_well_is_a_failure(tmp_path: Path, status: str) -> None:
    write_seeds(tmp_path, GOOD[:1], declared_seeds=2)
    write_run(tmp_path, make_rows([0.1, 0.2]), seed=1, status=status, declared_seeds=2)
    assert told(tmp_path) == {
        "adam lr=0.001: every run completes": (
            "failure",
            f"1 completed, 1 {status} of 2 seeds",
        )
    }


def test_a_run_that_is_still_to_come_is_no_failure(tmp_path: Path) -> None:
    write_seeds(tmp_path, GOOD[:2], declared_seeds=8)
    assert told(tmp_path)["adam lr=0.001: every run completes"] == (
        "skipped",
        "2 completed of 8 seeds",
    )


def test_a_finding_of_the_audit_fails_with_the_command_that_mends_it(tmp_path: Path) -> None:
    write_seeds(tmp_path, GOOD[:1])
    comparison = compare(load(tmp_path), Question())
    finding = Finding(
        kind="edge",
        message="The best lr of adam is the edge of its grid.",
        problem=comparison.problems[0].label,
        settings=("adam lr=0.001",),
        runs=(),
        command="optbench run adam.yaml --set optimizer.lr=1e-4",
    )
    *_, last = cases(comparison, [finding])
    assert last == Case(
        "mnist · mlp 784-128-10 · cross entropy",
        "audit, edge: adam lr=0.001",
        failure="The best lr of adam is the edge of its grid. "
        "Mended by: optbench run adam.yaml --set optimizer.lr=1e-4",
    )
