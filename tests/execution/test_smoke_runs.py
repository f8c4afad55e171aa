from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from experiments import write_experiment

from optbench.catalog.experiment import load_experiment
from optbench.execution.smoke import smoke
from optbench.execution.study import run

if TYPE_CHECKING:
    from pathlib import Path

MNIST = {"name": "mnist", "validation": 5000}


def test_data_on_no_disk_are_replaced_by_the_bundled_ones_of_their_shape(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, dataset=MNIST)
    small = smoke(load_experiment(path, first_points=True), tmp_path / "data")
    (setting,) = small.settings
    assert setting.dataset == {"name": "mnist-5k", "train": 256, "test": 128, "validation": 64}
    assert setting.requested_dataset == "mnist"
    assert small.name == "tiny"


def test_a_file_that_is_not_there_is_replaced_by_its_fallback(tmp_path: Path) -> None:
    fallback = {"name": "zipf-text", "validation": 20}
    dataset = {"name": "text", "path": "gone.txt", "fallback": fallback}
    path = write_experiment(tmp_path, dataset=dataset, model="lstm")
    (setting,) = smoke(load_experiment(path, first_points=True), tmp_path).settings
    assert setting.dataset["name"] == "zipf-text"
    assert setting.dataset["validation"] == 64
    assert setting.requested_dataset == "text"
    assert setting.fallback is None


def test_a_long_experiment_becomes_short(tmp_path: Path) -> None:
    optimizer = {"name": "sgd", "lr": {"grid": [0.1, 0.2, 0.3]}}
    path = write_experiment(tmp_path, optimizer=optimizer, training={"epochs": 90}, seeds=8)
    small = smoke(load_experiment(path, first_points=True), tmp_path)
    assert [(run.seed, run.setting.optimizer["lr"]) for run in small.runs()] == [(0, 0.1)]
    assert small.settings[0].training["epochs"] == 2


def test_a_short_experiment_stays_as_short_as_it_is(tmp_path: Path) -> None:
    dataset = {"name": "digits", "train": 20, "test": 10}
    path = write_experiment(tmp_path, dataset=dataset, training={"epochs": 1})
    (setting,) = smoke(load_experiment(path), tmp_path).settings
    assert (setting.dataset["train"], setting.dataset["test"]) == (20, 10)
    assert setting.training["epochs"] == 1


@pytest.mark.parametrize(
    "dataset",
    [
        {"name": "synthetic", "train": 40, "test": 10, "validation": 20},
        {"name": "synthetic", "train": 5000, "test": 900, "validation": 1000},
        {"name": "digits", "validation": 5},
    ],
)
def test_what_is_cut_down_can_be_trained_on(tmp_path: Path, dataset: dict[str, object]) -> None:
    path = write_experiment(tmp_path, dataset=dataset)
    experiment = smoke(load_experiment(path), tmp_path)
    for planned in experiment.runs():
        copy = write_experiment(tmp_path, "copy", dataset=dict(planned.setting.dataset))
        (stored,) = run(copy, runs_dir=tmp_path / "runs")
        assert stored.result.status == "completed"
        assert stored.result.sizes.validation > 0
