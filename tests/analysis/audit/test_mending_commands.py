from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from audited import BASE, findings, store
from stored_runs import ADAM, SGD

from optbench.analysis.audit.grids import above, around, below, decades_around
from optbench.analysis.audit.mending import grid, seeds_text, set_value
from optbench.config.seeds import parse_seeds

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        ([0, 1, 2], "3"),
        ([0], "1"),
        ([8, 9, 10], "8-10"),
        ([3], "3-3"),
        ([7, 0, 3], "0,3,7"),
    ],
)
def test_seeds_are_written_as_the_option_takes_them(seeds: Sequence[int], text: str) -> None:
    assert seeds_text(seeds) == text
    assert sorted(parse_seeds(text, ())) == sorted(seeds)


def test_values_are_written_as_yaml() -> None:
    assert set_value("dataset", {"name": "mnist", "train": None}) == (
        'dataset={"name": "mnist", "train": null}'
    )
    assert grid("optimizer.lr", [1e-5, 0.1]) == "optimizer.lr={grid: [1e-05, 0.1]}"
    assert grid("optimizer.lr", [10.0]) == "optimizer.lr=10"


def test_a_grid_goes_on_in_its_own_ratio() -> None:
    assert above([0.001, 0.01, 0.1], 2) == [1, 10]
    assert below([0.1, 0.001, 0.01], 2) == [1e-5, 1e-4]
    assert around([0.001, 0.01], 3) == "{grid: [1e-05, 0.0001, 0.1]}"


def test_a_single_value_gets_neighbours_half_a_decade_away() -> None:
    # The square root of ten is 3.1623 in round numbers.
    assert around([0.01], 2) == "{grid: [0.00316, 0.0316]}"


@pytest.mark.parametrize(
    ("tried", "count", "space"),
    [
        ([0.01], 8, "{grid: [0.0001, 0.000316, 0.001, 0.00316, 0.0316, 0.1, 0.316, 1]}"),
        ([0.01], 23, "{logspace: [0.001, 0.1, 24]}"),  # one of 23 points is .01 itself
        ([0.001, 0.01, 0.1], 306, "{logspace: [0.0001, 1, 306]}"),
    ],
)
def test_however_many_are_wanted_they_stay_near_those_that_were_tried(
    tried: list[float], count: int, space: str
) -> None:
    assert around(tried, count) == space


def test_neighbours_far_apart_are_followed_by_one_a_decade_away() -> None:
    assert above([1e-3, 10], 2) == [100, 1000]


def test_where_a_rounded_one_led_to_a_power_of_ten_that_is_meant() -> None:
    # The half decade between .01 and .1 was written .0316: a step below is .00999 in digits.
    assert below([0.0316, 0.1], 1) == [0.01]
    assert below([0.0316], 1) == [0.01]
    assert below([3.16], 1) == [1]
    assert above([0.00316, 0.01, 0.0316], 1) == [0.1]
    assert above([0.02, 0.04], 1) == [0.08]


def test_beyond_what_a_float_holds_nothing_falls_over() -> None:
    assert above([1e300, 1e308], 1) == [math.inf]
    assert below([5e-324, 1e-300], 1) == [0]


def test_decades_around_reach_ten_times_as_far_with_two_points_each() -> None:
    assert decades_around([0.01, 0.001]) == "{logspace: [0.0001, 0.1, 7]}"
    assert decades_around([0.02]) == "{logspace: [0.001, 1, 7]}"


def test_many_settings_are_named_by_their_folder(tmp_path: Path) -> None:
    for lr in range(1, 22):
        store(tmp_path, SGD | {"lr": lr}, BASE[:3], seeds=range(3), declared_seeds=4)
    command = findings(tmp_path)["missing seeds"].command
    assert command == (
        f"optbench run {tmp_path}/adam_mnist/*/config.yaml --seeds 4 --runs-dir {tmp_path}"
    )


def test_of_a_study_only_the_settings_concerned_are_named(tmp_path: Path) -> None:
    names = ("adadelta", "adagrad", "adam", "adamax", "nadam", "sgd")
    optimizers = [{"name": name, "lr": 0.1} for name in names]
    for optimizer in optimizers:
        for lr, gain in ((0.01, 0.0), (0.1, 0.02), (1.0, 0.01)):
            store(tmp_path, optimizer | {"lr": lr}, [base + gain for base in BASE])
    command = findings(tmp_path)["selected on reported seeds"].command
    assert command is not None
    assert command.count("config.yaml") == 6  # and not those of the other twelve settings
    assert "*" not in command


def test_names_with_spaces_are_quoted(tmp_path: Path) -> None:
    root = tmp_path / "my runs"
    store(root, ADAM, BASE[:5])
    store(root, SGD, BASE[:5])
    command = findings(root)["too few seeds"].command
    assert command is not None
    assert command.endswith(f"--runs-dir '{root}'")
    assert command.count("'") == 6


@pytest.mark.parametrize(
    ("folder", "root", "told"),
    [
        (".", "runs", " --seeds 8-15"),
        ("runs", ".", " --seeds 8-15 --runs-dir ."),
        ("runs/adam_mnist", ".", " --seeds 8-15 --runs-dir .."),
    ],
)
def test_the_store_is_told_where_it_is_not_the_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, root: str, told: str
) -> None:
    store(tmp_path / "runs", ADAM, BASE[:5])
    store(tmp_path / "runs", SGD, BASE[:5])
    monkeypatch.chdir(tmp_path / folder)
    command = findings(Path(root))["too few seeds"].command
    assert command is not None
    assert command.endswith(told)
