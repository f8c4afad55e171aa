"""Spaces on any hyperparameter of any part: which settings, what they are called, what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from experiment_text import loaded, told
from experiments import write_experiment

from optbench.catalog.experiment import load_experiment

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


def labels(folder: Path, **parts: str) -> list[str]:
    return [setting.label for setting in loaded(folder, **parts).settings]


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


def test_the_space_written_first_varies_slowest(tmp_path: Path) -> None:
    optimizer = "{name: sgd, lr: {grid: [1, 2]}, momentum: {grid: [0.5, 0.9]}}"
    assert labels(tmp_path, optimizer=optimizer) == [
        "sgd lr=1 momentum=0.5", "sgd lr=1 momentum=0.9",
        "sgd lr=2 momentum=0.5", "sgd lr=2 momentum=0.9",
    ]  # fmt: skip


def test_lists_of_parts_are_a_product_and_lists_of_one_part_a_union(tmp_path: Path) -> None:
    experiment = loaded(
        tmp_path,
        dataset="[digits, mnist]",
        model="[mlp, logistic]",
        optimizer="[adam, {name: sgd, lr: {grid: [1, 2]}}]",
        schedule="[constant, cosine]",
        training="{epochs: {grid: [1, 2]}}",
    )
    assert len(experiment.settings) == 2 * 2 * 3 * 2 * 2
    assert len({setting.problem_hash for setting in experiment.settings}) == 4


def test_an_optimizers_own_schedule_stands_in_for_the_one_at_the_top(tmp_path: Path) -> None:
    experiment = loaded(
        tmp_path,
        optimizer="[adam, {name: sgd, schedule: {name: steplr, step_size: {grid: [1, 2]}}}]",
        schedule="[cosine, constant]",
    )
    assert [(s.optimizer["name"], s.schedule["name"]) for s in experiment.settings] == [
        ("adam", "cosine"), ("adam", "constant"), ("sgd", "steplr"), ("sgd", "steplr"),
    ]  # fmt: skip


def test_a_grid_may_choose_among_whole_schedules(tmp_path: Path) -> None:
    grid = "{grid: [constant, {name: cosine, warmup: 0.1}]}"
    assert labels(tmp_path, optimizer=f"{{name: sgd, schedule: {grid}}}") == [
        "sgd lr=0.001", "sgd lr=0.001 schedule=cosine warmup=0.1",
    ]  # fmt: skip


def test_labels_tell_settings_of_one_experiment_apart(tmp_path: Path) -> None:
    found = labels(
        tmp_path,
        optimizer="{name: sgd, schedule: {name: steplr, step_size: 2, gamma: {grid: [0.1, 0.5]}}}",
        training="{epochs: {grid: [1, 2]}, batch_size: 32, evaluate_every: {steps: 9}}",
    )
    assert found == [
        f"sgd lr=0.001 schedule=steplr step_size=2{gamma} epochs={epochs} batch_size=32"
        for gamma in ("", " gamma=0.5")
        for epochs in (1, 2)
    ]


def test_an_average_is_shown_by_its_name_and_its_argument(tmp_path: Path) -> None:
    training = "{average: {grid: [null, ema, {name: swa, start: 0.5}]}}"
    settings = loaded(tmp_path, optimizer="{name: sgd, lr: 0.1}", training=training).settings
    assert [(s.label, s.slug) for s in settings] == [
        ("sgd lr=0.1", "sgd-lr0.1"),
        ("sgd lr=0.1 average=ema average.decay=0.999", "sgd-lr0.1-averageema-average.decay0.999"),
        ("sgd lr=0.1 average=swa average.start=0.5", "sgd-lr0.1-averageswa-average.start0.5"),
    ]


def test_a_full_batch_is_a_value_like_the_numbers(tmp_path: Path) -> None:
    training = "{batch_size: {grid: [32, full]}}"
    settings = loaded(tmp_path, optimizer="{name: sgd, lr: 0.1}", training=training).settings
    assert [s.label for s in settings] == ["sgd lr=0.1 batch_size=32", "sgd lr=0.1 batch_size=full"]
    assert settings[1].slug == "sgd-lr0.1-batch_sizefull"
    assert [(s.batch_size(1000), s.epoch_steps(1000)) for s in settings] == [(32, 32), (1000, 1)]


def test_a_mistake_in_a_grid_is_told_once_however_many_points_have_it(tmp_path: Path) -> None:
    optimizer = "{name: adam, lr: {grid: [1, -1]}, eps: {linspace: [0, 1, 500]}, rho: 1}"
    assert [mistake.split(" [")[0] for mistake in told(tmp_path, optimizer=optimizer)] == [
        "optimizer.lr: must be greater than 0, got -1",
        "optimizer.rho: Adam has no such argument",
    ]


@pytest.mark.parametrize(
    ("optimizer", "mistake"),
    [
        ("{name: adam, lr: {uniform: [-1, 3]}}", "optimizer.lr: must be greater than 0, got -1"),
        ("{name: adam, lr: {uniform: [-3, -1]}}", "optimizer.lr: must be greater than 0, got -3"),
        ("{name: adam, betas: [0.9, {uniform: [0.9, 1]}]}",
         "optimizer.betas[1]: must be at least 0 and below 1, got 1"),
        ("{name: adam, maximize: {uniform: [0, 1]}}",
         "optimizer.maximize: must be true or false, got a range of numbers"),
        ("{name: rprop, step_sizes: [{uniform: [1, 5]}, 3]}",
         "optimizer.step_sizes: must be [smallest, largest], got [5, 3]"),
        ("{name: adam, lr: {loguniform: [0, 1]}}",
         "optimizer.lr.loguniform[0]: must be a number greater than 0, got 0"),
    ],
)  # fmt: skip
def test_both_ends_of_a_range_have_to_be_valid(
    tmp_path: Path, optimizer: str, mistake: str
) -> None:
    assert told(tmp_path, optimizer=optimizer)[0] == mistake


def test_a_whole_number_is_not_drawn_from_a_range_of_all(tmp_path: Path) -> None:
    assert told(tmp_path, training="{epochs: {uniform: [1, 5]}, batch_size: 0}") == [
        "training.epochs: must be a whole number, got a uniform range [write {integer: [1, 5]}]",
        "training.batch_size: must be 1 or greater, got 0",
    ]
