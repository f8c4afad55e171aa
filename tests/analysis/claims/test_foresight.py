from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from experiment_text import loaded, underlined

from optbench.analysis.claims.foresight import undecidable

if TYPE_CHECKING:
    from pathlib import Path

ADAM = "setting: {optimizer: adam}"
SGD = "{optimizer: sgd}"
PARTS = {
    "dataset": "{name: digits, validation: 100}",
    "optimizer": "[{name: adam, lr: {grid: [1e-3, 1e-2]}}, {name: sgd, lr: {grid: [0.1, 1]}}]",
}


def foreseen(folder: Path, claim: str, **parts: str) -> list[str]:
    found = undecidable(loaded(folder, **(PARTS | parts), expect=f"[{claim}]"))
    return [f"{p.key}: {p.message} [{p.remedy}] {underlined(p)}" for p in found]


@pytest.mark.parametrize(
    ("claim", "fewest"),
    [
        # 2/2^n is at most .04 from six pairs on, and so is what the extremes of n miss a median by.
        (f"metric: test_loss, {ADAM}, better_than: {SGD}", 6),
        (f"metric: test_loss, {ADAM}, worse_than: {SGD}", 6),
        (f"metric: lr_decades, within: 0.1, {ADAM}, better_than: {SGD}", 6),
        (f"metric: test_accuracy, target: 0.9, {ADAM}, faster_than: {SGD}", 6),
        # A t interval takes two.
        (f"metric: test_accuracy, margin: 0.1, {ADAM}, equivalent_to: {SGD}", 2),
        (f"metric: test_accuracy, margin: 0.1, {ADAM}, not_worse_than: {SGD}", 2),
        (f"metric: test_accuracy, {ADAM}, at_least: 0.9", 2),
        (f"metric: lr_decades, within: 0.1, {ADAM}, at_most: 1", 2),
    ],
)
def test_fewer_seeds_than_can_decide_are_told(tmp_path: Path, claim: str, fewest: int) -> None:
    (told,) = foreseen(tmp_path, f"{{{claim}}}", seeds=str(fewest - 1))
    assert f"cannot reach a verdict, {fewest} can [seeds: {fewest}]" in told
    assert foreseen(tmp_path, f"{{{claim}}}", seeds=str(fewest)) == []


@pytest.mark.parametrize(
    "claim",
    [
        f"metric: state_bytes, {ADAM}, better_than: {SGD}",
        f"metric: state_bytes, {ADAM}, at_most: 8",
        f"{ADAM}, diverges: false",
        f"metric: test_loss, {ADAM}, better_than: {SGD}, verdict: undecided",
    ],
)
def test_one_seed_does_for_facts_and_for_what_expects_no_more(tmp_path: Path, claim: str) -> None:
    assert foreseen(tmp_path, f"{{{claim}}}") == []


def test_the_place_in_the_file_is_the_statements(tmp_path: Path) -> None:
    claim = f"{{metric: test_loss, {ADAM}, better_than: {SGD}}}"
    assert foreseen(tmp_path, claim, seeds="5") == [
        "expect[0].better_than: 5 pairs cannot reach a verdict, 6 can [seeds: 6] better_than"
    ]


@pytest.mark.parametrize(
    "dataset",
    ["digits", "{name: mnist, validation: 100, fallback: mnist-5k}"],
)
def test_a_validation_metric_takes_a_validation_part(tmp_path: Path, dataset: str) -> None:
    claim = f"{{metric: val_loss, {ADAM}, at_most: 1}}"
    assert foreseen(tmp_path, claim, seeds="8", dataset=dataset) == [
        "expect[0].metric: nothing is held out, so there is no val_loss "
        "[dataset: {name: …, validation: N}] val_loss"
    ]


def test_a_range_of_learning_rates_takes_several(tmp_path: Path) -> None:
    claim = f"{{metric: lr_decades, within: 1, {ADAM}, better_than: {{optimizer: sgd, lr: 1}}}}"
    assert foreseen(tmp_path, claim, seeds="8") == [
        "expect[0].better_than: a range of learning rates takes several, and here is one "
        "[lr: {logspace: [1e-4, 1e-1, 7]}] {optimizer: sgd, lr: 1}"
    ]
