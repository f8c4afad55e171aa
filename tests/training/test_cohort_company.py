"""A run's bits in any company: rows, weights, optimizer state, checkpoints."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone, in_cohorts, traces
from experiments import TINY, make_learner, make_runs

from optbench.catalog.models import MODELS
from optbench.catalog.models.mlp import ACTIVATIONS
from optbench.catalog.optimizers import optimizers
from optbench.catalog.schedules import schedules
from optbench.errors import ConfigError
from optbench.training.learner import Learner
from optbench.training.products import WORTH_ONEDNN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from company import Trace

    from optbench.config.spec import Run

USABLE = [name for name in optimizers() if name != "sparseadam"]  # whose gradients are sparse
SCHEDULE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "cosine": {"warmup": 0.3},
    "cosineannealingwarmrestarts": {"T_0": 2},
    "cycliclr": {"base_lr": 0.001, "max_lr": 0.1, "step_size_up": 3, "cycle_momentum": False},
    "exponentiallr": {"gamma": 0.5},
    "multisteplr": {"milestones": [1, 2]},
    "onecyclelr": {"max_lr": 0.1, "cycle_momentum": False},
    "steplr": {"step_size": 2},
    "reducelronplateau": {"patience": 0, "threshold": 0.5},
}
MIXED: list[dict[str, Any]] = [
    {"name": "adam", "lr": 0.01},
    {"name": "sgd", "lr": 0.1, "momentum": 0.9, "schedule": {"name": "cosine"}},
    {"name": "rmsprop", "lr": 0.01, "schedule": {"name": "steplr", "step_size": 1}},
    {"name": "adam", "lr": 0.1, "weight_decay": 0.01},
]
ACROSS_EPOCHS = {"epochs": 3, "batch_size": 16, "evaluate_every": {"steps": 3}}
ODD_WIDTHS = ([33, 17, 3, 2], [1, 33, 2, 17])


def blobs(features: int | list[int], train: int = 60, classes: int = 3) -> dict[str, Any]:
    """`train` examples to train on, and 15 for validation."""
    sizes = {"train": train + 15, "test": 30, "validation": 15}
    return {"name": "synthetic", "features": features, "classes": classes, **sizes}


def assert_same(found: Sequence[Trace], expected: Sequence[Trace], runs: Sequence[Run]) -> None:
    for run, trace, other in zip(runs, found, expected, strict=True):
        assert trace == other, run.directory_name


def assert_company_changes_nothing(runs: Sequence[Run], size: int = 7) -> None:
    assert_same(in_cohorts(runs, size), alone(runs), runs)


@pytest.fixture(scope="module")
def every_optimizer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, ...]:
    """Each of the catalog's with two seeds, and a schedule that another has not."""
    names = sorted(schedules())
    items = [{"name": name, "lr": 0.01} for name in USABLE]
    for index, name in enumerate(names * 2):
        schedule = {"name": name, **SCHEDULE_ARGUMENTS.get(name, {})}
        items[index % len(items)]["schedule"] = schedule
    runs = make_runs(
        tmp_path_factory.mktemp("all"),
        model={"name": "mlp", "hidden": [17, 3], "dropout": 0.3},
        optimizer=items,
        training=ACROSS_EPOCHS,
        seeds=2,
    )
    assert len(runs) == 2 * len(USABLE) > 27
    return runs


@pytest.fixture(scope="module")
def each_alone(every_optimizer: tuple[Run, ...]) -> list[Trace]:
    return alone(every_optimizer)


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("size", [2, 7, 50])
def test_every_optimizer_in_mixed_cohorts_of_any_size_and_order(
    every_optimizer: tuple[Run, ...], each_alone: list[Trace], size: int, order: int
) -> None:
    assert_same(in_cohorts(every_optimizer, size, order=order), each_alone, every_optimizer)


def test_one_seed_or_many(tmp_path: Path) -> None:
    parts = {"model": {"name": "mlp", "hidden": [5], "dropout": 0.3}, "training": ACROSS_EPOCHS}
    rates = [{"name": "adam", "lr": 0.001 * (k + 1)} for k in range(50)]
    for optimizer, seeds in ((MIXED[0], 50), (rates, 1)):
        runs = make_runs(tmp_path, optimizer=optimizer, seeds=seeds, **parts)
        found = in_cohorts(runs, 50)
        assert_same(found[::7], alone(runs[::7]), runs[::7])


def test_a_run_twice_in_one_cohort(tmp_path: Path) -> None:
    (run,) = make_runs(tmp_path, model={"name": "mlp", "hidden": [5], "dropout": 0.3})
    expected = alone([run])
    assert traces([make_learner(run), make_learner(run)]) == expected * 2


@pytest.mark.parametrize("hidden", ODD_WIDTHS)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_and_odd_width_with_a_last_batch_of_one(
    tmp_path: Path, activation: str, hidden: list[int]
) -> None:
    runs = make_runs(
        tmp_path,
        dataset=blobs(hidden[0], train=33, classes=17),
        model={"name": "mlp", "hidden": hidden, "activation": activation, "dropout": 0.3},
        optimizer=MIXED,
        training=ACROSS_EPOCHS | {"evaluate_every": {"steps": 4}},
        seeds=2,
    )
    assert_company_changes_nothing(runs)


@pytest.mark.parametrize("model", [{"name": "logistic"}, {"name": "mlp", "hidden": [33]}])
@pytest.mark.parametrize("features", [1, 33])
def test_one_output(tmp_path: Path, model: dict[str, Any], features: int) -> None:
    def one_class(run: Run) -> Learner:
        data = make_learner(run).data
        train = dataclasses.replace(data.train, targets=torch.zeros_like(data.train.targets))
        test = dataclasses.replace(data.test, targets=torch.zeros_like(data.test.targets))
        task = dataclasses.replace(data.task, classes=1)
        only = dataclasses.replace(data, train=train, validation=None, test=test, task=task)
        return Learner(run, only)

    runs = make_runs(
        tmp_path, dataset=blobs(features), model=model, optimizer=[MIXED[0], MIXED[1]], seeds=4
    )
    assert_same(in_cohorts(runs, 7, one_class), alone(runs, one_class), runs)


@pytest.mark.parametrize("batch_size", [1, 7, 60, 100])
def test_every_batch_size(tmp_path: Path, batch_size: int) -> None:
    runs = make_runs(
        tmp_path,
        model={"name": "mlp", "hidden": [17], "dropout": 0.5},
        optimizer=MIXED,
        training={"epochs": 2, "batch_size": batch_size, "evaluate_every": {"steps": 5}},
        seeds=2,
    )
    assert_company_changes_nothing(runs)


@pytest.mark.parametrize("hidden", [[128], [130, 129]])
def test_products_that_onednn_computes(tmp_path: Path, hidden: list[int]) -> None:
    assert 64 * 784 * min(hidden) >= WORTH_ONEDNN
    runs = make_runs(
        tmp_path,
        dataset=blobs([1, 28, 28], train=150, classes=10),
        model={"name": "mlp", "hidden": hidden},
        optimizer=MIXED,
        training={"epochs": 2, "batch_size": 64},
        seeds=2,
    )
    assert_company_changes_nothing(runs)


SEQUENCES = [2, 9]  # channels and length
IMAGES = [1, 16, 16]
SMALL: dict[str, tuple[list[int], dict[str, Any]]] = {
    "mlp": ([6], {"hidden": [17, 3], "dropout": 0.3}),
    "cnn": (IMAGES, {"channels": [2, 3], "hidden": 5, "dropout": 0.3}),
    "cifar-cnn": (IMAGES, {"hidden": [9, 7]}),
    "resnet18": ([1, 8, 8], {"width": 2}),
    "vit": ([1, 8, 8], {"width": 8, "depth": 1, "heads": 2, "dropout": 0.3}),
    "gru": (SEQUENCES, {"hidden": 5}),
    "conv1d": (SEQUENCES, {"channels": 3}),
}


@pytest.mark.parametrize("name", [name for name in MODELS if name != "point"])  # has no data
def test_every_model(tmp_path: Path, name: str) -> None:
    shape, arguments = SMALL.get(name, (IMAGES, {}))
    runs = make_runs(
        tmp_path,
        dataset=blobs(shape, train=33),
        model={"name": name, **arguments},
        optimizer=MIXED,
        training=ACROSS_EPOCHS | {"epochs": 2},
        seeds=2,
    )
    try:
        make_learner(runs[0])
    except ConfigError as error:
        pytest.skip(f"takes other data: {error}")
    assert_company_changes_nothing(runs, len(runs))


def test_a_plateau_schedule_that_asks_for_validation_between_rows(tmp_path: Path) -> None:
    plateau = {"name": "reducelronplateau", "patience": 0, "threshold": 0.9}
    items = [*MIXED, {"name": "sgd", "lr": 0.2, "schedule": plateau}]
    runs = make_runs(
        tmp_path,
        dataset=TINY["dataset"],
        optimizer=items,
        training=ACROSS_EPOCHS | {"epochs": 6, "evaluate_every": {"steps": 7}},
        seeds=2,
    )
    assert_company_changes_nothing(runs)


def test_clipped_gradients_and_parameter_groups(tmp_path: Path) -> None:
    items = [{**item, "groups": [{"match": "*.bias", "lr": 0.003}]} for item in MIXED]
    runs = make_runs(
        tmp_path,
        dataset=TINY["dataset"],
        model={"name": "mlp", "hidden": [17], "dropout": 0.3},
        optimizer=items,
        training=ACROSS_EPOCHS | {"clip_norm": 0.3},
        seeds=2,
    )
    assert_company_changes_nothing(runs)
