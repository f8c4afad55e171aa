"""Spaces on any hyperparameter of any part: how many settings, which ones, and how many at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from experiments import make_runs, write_experiment

from optbench.catalog.experiment import load_experiment
from optbench.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.spec import Setting

SGD = {"name": "sgd", "lr": 0.1}
SYNTHETIC = {"name": "synthetic", "train": 60, "test": 30, "features": 6, "classes": 3}


def values(settings: tuple[Setting, ...], part: str, *path: str | int) -> list[object]:
    found = []
    for setting in settings:
        value: Any = getattr(setting, part)
        for step in path:
            value = value[step]
        found.append(value)
    return found


@pytest.mark.parametrize(
    ("parts", "path", "expected"),
    [
        ({"dataset": SYNTHETIC | {"train": {"grid": [50, 60]}}}, ("dataset", "train"), [50, 60]),
        (
            {"dataset": SYNTHETIC | {"validation": {"linspace": [0, 20, 3]}}},
            ("dataset", "validation"),
            [0, 10, 20],
        ),
        (
            {"model": {"name": "mlp", "hidden": {"grid": [[4], [4, 4]]}}},
            ("model", "hidden"),
            [[4], [4, 4]],
        ),
        (
            {"model": {"name": "mlp", "hidden": [{"grid": [4, 8]}]}},
            ("model", "hidden"),
            [[4], [8]],
        ),
        (
            {"optimizer": {"name": "adam", "betas": [0.9, {"grid": [0.99, 0.999]}]}},
            ("optimizer", "betas"),
            [[0.9, 0.99], [0.9, 0.999]],
        ),
        (
            {"optimizer": SGD | {"nesterov": {"grid": [False, True]}, "momentum": 0.9}},
            ("optimizer", "nesterov"),
            [False, True],
        ),
        (
            {"optimizer": SGD | {"groups": [{"match": "*", "lr": {"logspace": [0.01, 1, 3]}}]}},
            ("optimizer", "groups", 0, "lr"),
            [0.01, 0.1, 1.0],
        ),
        (
            {"schedule": {"name": "exponentiallr", "gamma": {"grid": [0.5, 0.9]}}},
            ("schedule", "gamma"),
            [0.5, 0.9],
        ),
        (
            {"optimizer": SGD | {"schedule": {"name": "cosine", "warmup": {"grid": [0, 0.1]}}}},
            ("schedule", "warmup"),
            [0, 0.1],
        ),
        (
            {"training": {"epochs": {"grid": [1, 2]}, "batch_size": 16}},
            ("training", "epochs"),
            [1, 2],
        ),
        (
            {"training": {"epochs": 1, "batch_size": {"grid": [16, 32]}}},
            ("training", "batch_size"),
            [16, 32],
        ),
        (
            {"training": {"epochs": 1, "evaluate_every": {"steps": {"grid": [2, 3]}}}},
            ("training", "evaluate_every", "steps"),
            [2, 3],
        ),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_a_space_may_stand_for_any_value_of_any_part(
    tmp_path: Path, parts: dict[str, Any], path: tuple[str, ...], expected: list[object]
) -> None:
    settings = load_experiment(write_experiment(tmp_path, **parts)).settings
    assert values(settings, *path) == expected


def test_spaces_of_all_parts_multiply_and_items_of_a_list_add_up(tmp_path: Path) -> None:
    path = write_experiment(
        tmp_path,
        dataset=SYNTHETIC | {"train": {"grid": [50, 60]}},
        model={"name": "mlp", "hidden": [{"grid": [4, 8, 16]}]},
        optimizer=[{"name": "adam", "lr": {"grid": [1, 2]}}, SGD],
        training={"epochs": 1, "batch_size": {"grid": [16, 32]}},
    )
    assert len(load_experiment(path).settings) == 2 * 3 * (2 + 1) * 2


def test_more_seeds_keep_the_order_of_those_before(tmp_path: Path) -> None:
    optimizers = [{"name": "adam", "lr": {"grid": [1, 2]}}, SGD]
    few, more = (make_runs(tmp_path, optimizer=optimizers, seeds=n) for n in (2, 4))
    assert [run.hash for run in more[: len(few)]] == [run.hash for run in few]
    assert [run.seed for run in more] == [seed for seed in range(4) for _ in range(3)]


@pytest.mark.parametrize(
    ("parts", "key", "number"),
    [
        ({"model": {"name": "mlp", "hidden": [1], "dropout": 1000}}, "model", "10,000,000"),
        ({"training": {"epochs": 1000, "batch_size": 16}}, "training", "10,000,000"),
        ({"schedule": {"name": "exponentiallr", "gamma": 1000}}, "schedule", "10,000,000"),
    ],
)
def test_what_explodes_is_refused_where_most_points_are(
    tmp_path: Path, parts: dict[str, Any], key: str, number: str
) -> None:
    points = {"linspace": [0, 1, 10_000]}
    spread: dict[str, Any] = {
        part: {name: points if value == 1000 else value for name, value in content.items()}
        for part, content in parts.items()
    }
    rates = {"name": "adam", "lr": {"linspace": [1, 2, 1000]}}
    with pytest.raises(ConfigError) as told:
        load_experiment(write_experiment(tmp_path, optimizer=rates, **spread))
    (problem,) = told.value.problems
    assert problem.key == key
    assert problem.message == f"expands to {number} settings; at most 100,000 are taken"
    assert problem.mark.line == 1
    assert not (tmp_path / "runs").exists()


def test_a_million_seeds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        load_experiment(write_experiment(tmp_path, seeds=1_000_000))
    (problem,) = told.value.problems
    assert (problem.key, problem.mark.line) == ("seeds", 1)
    assert "from 1 to 10,000" in problem.message
    assert "1000000" in problem.message
