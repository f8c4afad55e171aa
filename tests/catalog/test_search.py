from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from experiments import TINY, write_experiment

from optbench.catalog.experiment import load_experiment
from optbench.catalog.search import Search, load_search
from optbench.errors import ConfigError
from optbench.store.tuning import Dimension

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.spec import Setting

LOG = {"loguniform": [1e-5, 1e-1]}
ADAM = {"name": "adam", "lr": LOG}


def search(folder: Path, **parts: Any) -> Search:
    told: dict[str, Any] = {"optimizer": ADAM, "seeds": 2} | parts
    return load_search(write_experiment(folder, **told))


def mistakes(folder: Path, **parts: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        search(folder, **parts)
    return [f"{one.key}: {one.message}" for one in caught.value.problems]


def same(setting: Setting, folder: Path, **parts: Any) -> bool:
    """Whether a setting is the one that an ordinary file describes."""
    (plain,) = load_experiment(write_experiment(folder, "plain", **parts)).settings
    return setting.setting_hash == plain.setting_hash


def test_every_value_that_a_space_may_stand_for_is_a_dimension(tmp_path: Path) -> None:
    optimizer = {
        "name": "adam",
        "lr": LOG,
        "betas": [0.9, {"uniform": [0.9, 0.999]}],
        "schedule": {"name": "cosine", "warmup": {"grid": [0, 0.1]}},
    }
    training = TINY["training"] | {"batch_size": {"logspace": [8, 32, 3]}}
    (adam,) = search(tmp_path, optimizer=optimizer, training=training).contenders
    assert adam.dimensions == (
        Dimension("lr", "loguniform", 1e-5, 1e-1),
        Dimension("betas[1]", "uniform", 0.9, 0.999),
        Dimension("schedule.warmup", "grid", choices=(0, 0.1)),
        Dimension("training.batch_size", "logspace", choices=(8, 16, 32)),
    )
    values = {"lr": 0.003, "betas[1]": 0.99, "schedule.warmup": 0.1, "training.batch_size": 8}
    plain = {
        "name": "adam",
        "lr": 0.003,
        "betas": [0.9, 0.99],
        "schedule": {"name": "cosine", "warmup": 0.1},
    }
    small = TINY["training"] | {"batch_size": 8}
    assert same(adam.setting(values), tmp_path, optimizer=plain, training=small)


def test_the_default_leaves_out_what_is_searched_and_keeps_the_rest(tmp_path: Path) -> None:
    optimizer = {"name": "sgd", "lr": LOG, "momentum": 0.9, "nesterov": {"grid": [False, True]}}
    (sgd,) = search(tmp_path, optimizer=optimizer).contenders
    default = sgd.default()
    assert default is not None
    assert same(default, tmp_path, optimizer={"name": "sgd", "momentum": 0.9})
    assert default.optimizer["lr"] == 0.001  # torch's own


def test_a_schedule_at_the_top_is_searched_by_who_has_none_of_their_own(tmp_path: Path) -> None:
    items = [ADAM, {"name": "sgd", "lr": LOG, "schedule": "cosine"}]
    schedule = {"name": "cosine", "final": {"uniform": [0, 0.5]}}
    adam, sgd = search(tmp_path, optimizer=items, schedule=schedule).contenders
    assert [one.key for one in adam.dimensions] == ["lr", "schedule.final"]
    assert [one.key for one in sgd.dimensions] == ["lr"]


def test_namesakes_are_told_apart(tmp_path: Path) -> None:
    items = [ADAM, {**ADAM, "amsgrad": True}, {"name": "momentum", "lr": LOG}]
    labels = [one.label for one in search(tmp_path, optimizer=items).contenders]
    assert labels == ["adam 1", "adam 2", "momentum"]


def test_what_is_said_of_tuning_changes_no_run(tmp_path: Path) -> None:
    plain = load_experiment(write_experiment(tmp_path))
    told = load_experiment(write_experiment(tmp_path, tuning={"trials": 3, "seeds": 2}))
    assert [run.hash for run in plain.runs()] == [run.hash for run in told.runs()]


@pytest.mark.parametrize(
    ("parts", "mistake"),
    [
        (
            {"dataset": TINY["dataset"] | {"validation": 0}},
            "dataset: a search needs a validation part, and dataset.validation is 0",
        ),
        (
            {"dataset": TINY["dataset"] | {"fallback": {"name": "mnist-5k"}}},
            "dataset: a search needs a validation part, and dataset.fallback.validation is 0",
        ),
        (
            {"optimizer": [ADAM, "sgd"]},
            "optimizer[1]: there is nothing to search: no value of sgd is a space",
        ),
        (
            {"optimizer": {"name": "adam", "momentum": {"uniform": [0, 0.9]}}},
            "optimizer.momentum: Adam has no such argument",
        ),
        (
            {"optimizer": {"name": "sgd", "lr": {"uniform": [-1, 1]}}},
            "optimizer.lr: must be greater than 0, got -1",
        ),
        (
            {"optimizer": {"name": "sgd", "lr": LOG, "momentum": {"grid": [0, -3]}}},
            "optimizer.momentum: must be between 0 and 1, got -3",
        ),
        (
            {
                "optimizer": {
                    "name": "sgd",
                    "momentum": {"grid": [0.9, 0]},
                    "nesterov": {"grid": [False, True]},
                }
            },
            "optimizer.nesterov: needs momentum, and dampening 0",
        ),
        (
            {
                "optimizer": {"name": "sgd", "lr": LOG},
                "training": TINY["training"]
                | {"batch_size": {"grid": [16, "full"]}, "accumulate": {"grid": [1, 2]}},
            },
            "training.accumulate: must be 1 with batch_size: full, which leaves one batch an epoch",
        ),
        (
            {"optimizer": {"name": "adam", "lr": {"grid": []}}},
            "optimizer.lr.grid: must hold at least one value, is empty",
        ),
        (
            {"training": TINY["training"] | {"epochs": {"grid": [1, 2]}}},
            "training.epochs: must be the same for all trials, so that their budgets are equal",
        ),
        (
            {"model": {"name": "mlp", "hidden": [{"integer": [4, 8]}]}},
            "model.hidden[0]: a space can't stand in the model: it would make another problem",
        ),
        (
            {"dataset": [TINY["dataset"], "mnist-5k"]},
            "dataset[1]: a search has one data set, got 2",
        ),
        (
            {"schedule": ["cosine", "constant"]},
            "schedule[1]: a search has one schedule at the top, got 2",
        ),
        (
            {"tuning": {"seeds": [1, 7]}},
            "tuning.seeds: must not be among the seeds that are reported, got 1",
        ),
    ],
)
def test_what_can_not_be_searched_is_refused(
    tmp_path: Path, parts: dict[str, Any], mistake: str
) -> None:
    assert mistake in mistakes(tmp_path, **parts)


def test_accuracy_is_refused_where_there_is_none(tmp_path: Path) -> None:
    data = {"name": "linear-regression", "validation": 15}
    assert mistakes(tmp_path, dataset=data, tuning={"objective": "val_accuracy"}) == [
        "tuning.objective: linear-regression has no accuracy"
    ]
