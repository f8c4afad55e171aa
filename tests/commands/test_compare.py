"""`optbench compare`: its options, what they print where, and its exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from experiments import command
from stored_runs import ADAM, SGD, write_run, write_seeds

if TYPE_CHECKING:
    from pathlib import Path

GOOD = [0.970, 0.972, 0.968, 0.971, 0.969, 0.973, 0.967, 0.970]
LESS = [value - 0.01 - 0.0001 * seed for seed, value in enumerate(GOOD)]


@pytest.fixture
def stores(tmp_path: Path) -> Path:
    """`old` and `new`: Adam as before, SGD a point worse."""
    for name, finals in (("old", GOOD), ("new", LESS)):
        write_seeds(tmp_path / name, GOOD, optimizer=ADAM)
        write_seeds(tmp_path / name, finals, optimizer=SGD)
    return tmp_path


def test_where_leaves_runs_out(stores: Path) -> None:
    outcome = command(
        "compare", stores / "old", "--where", "optimizer=adam", "--where", "lr=1e-3,5e-1"
    )
    assert outcome.code == 2
    assert "--where lr: no run has '5e-1'; runs have 0.001, 0.01" in outcome.err
    outcome = command("compare", stores / "old", "--where", "lr=1e-3", "--format", "json")
    (problem,) = json.loads(outcome.out)["problems"]
    assert [found["label"] for found in problem["settings"]] == ["adam lr=0.001"]


def test_failed_runs_of_one_cause_are_one_note_and_where_leaves_theirs_out(stores: Path) -> None:
    for seed in (90, 91, 92):
        write_run(
            stores / "old", [], optimizer=SGD, seed=seed, status="failed", reason="StreamError: x"
        )
    said = command("compare", stores / "old").err
    assert said.count("unfinished: failed") == 1
    assert "and 2 more: unfinished: failed (StreamError: x)\n" in said
    assert "failed" not in command("compare", stores / "old", "--where", "optimizer=adam").err
    assert "and 2 more" in command("compare", stores / "old", "--where", "optimizer=sgd").err


def test_an_unknown_key_is_one_line_and_exit_code_2(stores: Path) -> None:
    outcome = command("compare", stores / "old", "--where", "optimiser=adam")
    assert (outcome.code, outcome.out) == (2, "")
    assert "no run has 'optimiser'; did you mean 'optimizer'?" in outcome.err


def test_a_worse_setting_fails_the_gate(stores: Path) -> None:
    outcome = command("compare", stores / "new", "--baseline", stores / "old")
    assert outcome.code == 1
    assert "worse −1.0 [−1.1, −1.0]" in outcome.out
    assert outcome.out.endswith("2 settings: 1 identical, 1 worse.\n")


def test_the_gate_passes_within_the_margin_and_where_nothing_changed(stores: Path) -> None:
    gate: list[str | Path] = ["compare", stores / "new", "--baseline"]
    assert command(*gate, stores / "old", "--margin", "0.02").code == 0
    assert command(*gate, stores / "new").code == 0
    assert command(*gate, stores / "old", "--where", "optimizer=adam").code == 0


def test_the_gate_as_junit_goes_into_a_file_and_keeps_its_exit_code(stores: Path) -> None:
    report = stores / "report.xml"
    outcome = command(
        "compare", stores / "new", "--baseline", stores / "old", "--format", "junit", "-o", report
    )
    assert (outcome.code, outcome.out) == (1, "")
    root = ElementTree.parse(report).getroot()  # noqa: S314 - our own file
    assert (root.get("tests"), root.get("failures")) == ("2", "1")


@pytest.mark.parametrize("option", [["--methods"], ["--chart", "curves.png"]])
def test_a_baseline_has_neither_methods_nor_a_chart(stores: Path, option: list[str]) -> None:
    outcome = command("compare", stores / "new", "--baseline", stores / "old", *option)
    assert outcome.code == 2
    assert f"{option[0]} shows one store's runs and can't be used with --baseline" in outcome.err


def test_a_baseline_that_is_not_there_is_refused(stores: Path) -> None:
    outcome = command("compare", stores / "new", "--baseline", stores / "older")
    assert outcome.code == 2
    assert "older: does not exist" in outcome.err


def test_methods_are_prose_and_a_bibliography(stores: Path) -> None:
    outcome = command("compare", stores / "old", "--methods")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("We trained mlp 784-128-10")
    assert "@inproceedings{kingma2015," in outcome.out
    assert max(map(len, outcome.out.partition("\n\n@")[0].splitlines())) <= 80


def test_latex_and_junit_are_formats(stores: Path) -> None:
    assert r"\toprule" in command("compare", stores / "old", "--format", "latex").out
    outcome = command("compare", stores / "old", "--format", "junit")
    assert outcome.code == 0
    assert ElementTree.fromstring(outcome.out).get("failures") == "0"  # noqa: S314 - our own


def test_a_format_of_judgements_is_none_of_a_list() -> None:
    outcome = command("list", "optimizers", "--format", "junit")
    assert outcome.code == 2
    assert "format must be one of table, markdown, csv, json, latex, got 'junit'" in outcome.err
