"""Columns that landscapes add, compared and claimed about."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from experiments import command, write_experiment

if TYPE_CHECKING:
    from pathlib import Path

BOWL: dict[str, Any] = {
    "dataset": {"name": "objective", "objective": "sphere", "start": [3, 4], "train": 50},
    "model": "point",
    "optimizer": {"name": "sgd", "lr": {"grid": [0.05, 0.1]}},
    "training": {"epochs": 1, "batch_size": 1, "evaluate_every": {"steps": 1}},
    "seeds": 2,
}


def steps_to(distance: float, lr: float) -> int:
    """Of gradient descent from a distance of 5, which keeps 1 − 2 lr of it each step."""
    return math.ceil(math.log(distance / 5) / math.log(1 - 2 * lr))


def test_steps_to_a_distance_are_those_of_the_geometric_series(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, **BOWL)
    assert command("run", path, "--runs-dir", tmp_path / "runs", "--json").code == 0
    asked = ("--metric", "distance", "--target", "0.1", "--by", "setting", "--format", "json")
    (problem,) = json.loads(command("compare", tmp_path / "runs", *asked).out)["problems"]
    found = {row["hyperparameters"]["lr"]: row for row in problem["settings"]}
    for lr in (0.05, 0.1):
        assert found[lr]["to_target"]["median_steps"] == steps_to(0.1, lr)
    table = command("compare", tmp_path / "runs", "--metric", "distance", "--target", "0.1").out
    assert "distance" in table


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ({"metric": "distance", "setting": {"lr": 0.1}, "at_most": 1e-4}, "supported"),
        ({"metric": "distance", "setting": {"lr": 0.05}, "at_most": 1e-4}, "refuted"),
        ({"metric": "y", "setting": {"lr": 0.1}, "at_least": 1}, "refuted"),
    ],
)
def test_claims_may_be_about_where_a_point_ends(
    claim: dict[str, object], verdict: str, tmp_path: Path
) -> None:
    path = write_experiment(tmp_path, **BOWL, expect=[claim | {"verdict": verdict}])
    outcome = command("verify", path, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 0, outcome.out + outcome.err
    assert "1 claim, 1 as expected" in outcome.out
