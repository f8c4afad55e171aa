from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
import verdict_runs
from judged_claims import judged, judgements
from stored_runs import ADAM, SGD, make_rows, write_run, write_seeds

from optbench.errors import UsageError
from optbench.report.judgements import render_judgements

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.analysis.claims.judgement import Judgement

BETTER = "better_than: {optimizer: sgd}"
WORSE = "worse_than: {optimizer: sgd}"


def told(judgement: Judgement) -> str:
    """The page in one line."""
    return " ".join(render_judgements([judgement]).split())


def record(judgement: Judgement) -> Any:
    refuse = lambda name: pytest.fail(f"{name} is not JSON")  # noqa: E731
    text = render_judgements([judgement], "json")
    return json.loads(text, parse_constant=refuse)["claims"][0]


def test_a_page_of_80_columns_names_verdict_claim_and_numbers(tmp_path: Path) -> None:
    verdict_runs.better(tmp_path)
    found = [judged(tmp_path, BETTER), judged(tmp_path, f"{WORSE}, verdict: refuted")]
    page = render_judgements(found)
    assert max(map(len, page.splitlines())) <= 80
    lines = page.splitlines()
    assert lines[:2] == ["an experiment", "  supported  adam: test accuracy better than sgd"]
    assert "  refuted    adam: test accuracy worse than sgd, as its file expects" in lines
    # A hundredth of the statistics page's differences, in points: .275, .0746 to .4754.
    assert "+0.28 points (0.07 to 0.48, p = .023" in " ".join(page.split())
    assert lines[-1] == "2 claims, 2 as expected"


@pytest.mark.parametrize(
    ("statement", "coloured"),
    [
        (BETTER, []),
        (f"{WORSE}, verdict: refuted", []),
        (WORSE, ["refuted"]),
        (f"{BETTER}, verdict: undecided", ["supported"]),
    ],
)
def test_only_what_was_not_expected_is_red(
    tmp_path: Path, statement: str, coloured: list[str]
) -> None:
    verdict_runs.better(tmp_path)
    page = render_judgements([judged(tmp_path, statement)], colour=True)
    assert re.findall("\x1b\\[31m(.*?)\x1b\\[0m", page) == coloured
    assert ("; expected: " in page) == bool(coloured)
    assert page.count("\x1b") == 2 * len(coloured)


def test_after_an_extension_too_few_pairs_name_the_fresh_ones(tmp_path: Path) -> None:
    declared = [5] * 5 + [7] * 2
    for optimizer, gain in ((ADAM, 0.003), (SGD, 0.0)):
        finals = [base + gain for base in verdict_runs.BASE[:7]]
        verdict_runs.store(tmp_path, optimizer, finals, declared=declared)
    # At .01 it takes 8; fresh ones are judged at .04: 2/2^6 = .031.
    assert "7 pairs cannot reach a verdict; 6 fresh ones can." in told(judged(tmp_path, BETTER))


def test_an_interval_of_an_accuracy_stays_between_0_and_1(tmp_path: Path) -> None:
    for experiment, finals in (("low", [0.0, 0.1]), ("high", [1.0, 0.9])):
        write_seeds(tmp_path / experiment, finals)
    low, high = (told(judged(tmp_path / name, "at_least: 0.5")) for name in ("low", "high"))
    assert "is 5% (96% 0% to " in low
    assert "to 100%), mean of 2 seeds" in high


def test_undecided_says_what_would_decide_it(tmp_path: Path) -> None:
    verdict_runs.five_pairs(tmp_path)
    assert "5 pairs cannot reach a verdict; the one extension can, to 8 or more." in told(
        judged(tmp_path, BETTER)
    )
    faster = judged(tmp_path, "faster_than: {optimizer: sgd}, target: 0.9")
    assert "5 pairs cannot reach a verdict; the one extension can, to 8 or more." in told(faster)


@pytest.mark.parametrize(
    ("world", "sentence"),
    [
        (verdict_runs.interim, "5 of 8 pairs are finished, so no verdict yet."),
        (verdict_runs.third_look, "fresh seeds gives"),
        (verdict_runs.one_seed, "One seed shows nothing about others; 6 can decide."),
    ],
)
@pytest.mark.parametrize("statement", [BETTER, "faster_than: {optimizer: sgd}, target: 0.9"])
def test_why_no_verdict_may_be_given_is_told(
    tmp_path: Path, world: Any, sentence: str, statement: str
) -> None:
    world(tmp_path)
    if "faster" in statement and world is verdict_runs.one_seed:
        sentence = "1 pair cannot reach a verdict, 6 can."
    assert sentence in told(judged(tmp_path, statement))


@pytest.mark.parametrize(
    ("margin", "sentence"),
    [
        (0.0048, "No more than 0.48 points worse: the 96% interval says so."),
        (0.002, "Whether it is more than 0.20 points worse is not shown."),
        (0.0007, "More than 0.07 points worse: the 96% interval says so."),
    ],
)
def test_how_much_worse_it_may_be_is_told(tmp_path: Path, margin: float, sentence: str) -> None:
    verdict_runs.better(tmp_path)
    claim = "metric: test_accuracy, not_worse_than: {optimizer: adam}"
    (found,) = judgements(tmp_path, f"{{setting: {{optimizer: sgd}}, {claim}, margin: {margin}}}")
    page = told(found)
    assert "sgd: test accuracy not worse than adam by more than" in page
    assert sentence in page
    assert "equivalent" not in page


def test_diverged_and_missing_seeds_are_counted(tmp_path: Path) -> None:
    verdict_runs.store(tmp_path, ADAM, [None, 0.9, 0.9], declared=[5] * 3)
    page = told(judged(tmp_path, "at_least: 0.5"))
    assert "1 seed diverged; no verdict rests on the others' mean." in page
    assert "2 declared seeds have not ended: run them again" in page


def test_data_that_stood_in_are_named(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.9, 0.9], requested_dataset="mnist")
    page = told(judged(tmp_path, "at_least: 0.5"))
    assert "Judged on a data set that stood in for mnist." in page


def test_the_best_of_several_settings_is_named(tmp_path: Path) -> None:
    for lr, label in ((0.1, "adam lr=0.1"), (0.2, "adam lr=0.2")):
        labels = {"problem": "a problem", "setting": label}
        told_of: dict[str, Any] = {"optimizer": ADAM | {"lr": lr}, "labels": labels}
        write_seeds(tmp_path, [0.9 + lr / 10, 0.9 + lr / 10], **told_of)
    page = told(judged(tmp_path, "at_least: 0.5"))
    assert "Best by train loss: adam lr=0.2." in page


def test_a_claim_on_two_problems_is_told_twice_with_their_names(tmp_path: Path) -> None:
    for problem in ("one", "two"):
        write_seeds(tmp_path, [0.9, 0.9], problem=problem)
    claim = "{metric: test_accuracy, setting: {optimizer: adam}, at_least: 0.5}"
    found = judgements(tmp_path, claim)
    page = render_judgements(found)
    assert "adam: test accuracy at least 0.5 (one)" in page
    assert "adam: test accuracy at least 0.5 (two)" in page
    cases = ElementTree.fromstring(render_judgements(found, "junit"))  # noqa: S314 - our own text
    assert len({case.get("name") for case in cases.iter("testcase")}) == 2


def test_json_holds_the_exact_numbers_of_each_kind(tmp_path: Path) -> None:
    verdict_runs.better(tmp_path)
    numbers = record(judged(tmp_path, BETTER))["numbers"]
    assert (numbers["kind"], numbers["metric"]) == ("comparison", "test_accuracy")
    assert (numbers["verdict"]["decision"], numbers["verdict"]["p"]) == ("better", 6 / 256)
    numbers = record(judged(tmp_path, "faster_than: {optimizer: sgd}, target: 0.9"))["numbers"]
    assert (numbers["kind"], numbers["speedup"]["low"]) == ("speedup", 2)
    assert (numbers["level"], numbers["look"], numbers["hindrance"]) == (0.04, 1, None)
    numbers = record(judged(tmp_path, "at_least: 0.9"))["numbers"]
    assert (numbers["kind"], numbers["estimate"]["n"], numbers["level"]) == ("bound", 8, 0.04)
    numbers = record(judged(tmp_path, "diverges: false", ""))["numbers"]
    assert (numbers["kind"], numbers["diverged"]["share"]) == ("divergence", 0)
    numbers = record(judged(tmp_path, "at_most: 8", "state_bytes"))["numbers"]
    assert numbers == {"kind": "state_bytes", "ours": 8, "theirs": None}
    numbers = record(judged(tmp_path, "at_least: 1, within: 1", "lr_decades"))["numbers"]
    assert (numbers["kind"], numbers["ours"]) == ("lr_decades", None)


def test_json_says_what_was_claimed(tmp_path: Path) -> None:
    verdict_runs.better(tmp_path)
    found = record(judged(tmp_path, WORSE))
    expected = {
        "file": "a.yaml", "line": 1, "statement": "worse_than", "metric": "test_accuracy",
        "setting": {"optimizer": "adam"}, "other": {"optimizer": "sgd"}, "found": "refuted",
        "expected": "supported", "as_expected": False, "chosen": [], "chosen_by": None,
        "requested_dataset": None,
    }  # fmt: skip
    assert found.items() >= expected.items()
    assert found["text"].startswith("adam's test accuracy is better than sgd's: ")


def test_undecided_where_supported_was_expected_fails_its_case(tmp_path: Path) -> None:
    verdict_runs.undecided(tmp_path)
    found = [judged(tmp_path, BETTER), judged(tmp_path, f"{BETTER}, verdict: undecided")]
    root = ElementTree.fromstring(render_judgements(found, "junit"))  # noqa: S314 - our own text
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "2", "1")
    first, second = root.iter("testcase")
    failure = first.find("failure")
    assert failure is not None
    assert str(failure.get("message")).startswith("undecided; expected: supported: adam against")
    assert second.find("failure") is None


def test_markup_in_a_claim_is_only_text(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]), optimizer=SGD | {"name": "adam"})
    found = [judged(tmp_path, 'diverges: false, claim: "a | <b> & c"', "")]
    assert "a \\| \\<b\\> & c" in render_judgements(found, "markdown")
    (case,) = ElementTree.fromstring(render_judgements(found, "junit")).iter("testcase")  # noqa: S314
    assert case.get("name") == "a | <b> & c"


def test_another_format_is_refused(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.9])
    with pytest.raises(UsageError, match="format must be one of table, markdown, json, junit"):
        render_judgements([judged(tmp_path, "diverges: false", "")], "csv")
