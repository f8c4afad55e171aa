from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from experiment_text import only_setting

from optbench.catalog.labels import dataset_label, problem_label

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("dataset", "model", "label"),
    [
        ("mnist", "mlp", "mnist · mlp 784-128-10 · cross entropy"),  # DESIGN.md's own
        (
            "{name: mnist, validation: 5000}",
            "{name: mlp, hidden: [64, 32], activation: tanh, dropout: 0.5}",
            "mnist (5,000 for validation) · mlp 784-64-32-10 activation=tanh dropout=0.5 · "
            "cross entropy",
        ),
        ("{name: mnist, train: 1000}", "logistic", "mnist (train 1,000) · logistic 784-10 · "
                                                   "cross entropy"),
        ("mnist", "cnn", "mnist · cnn channels=[16, 32] hidden=128 dropout=0 · cross entropy"),
        ("mnist", "./net.py:Net", "mnist · Net width=4 · cross entropy"),
    ],
)  # fmt: skip
def test_a_problem_is_called_by_its_data_model_and_loss(
    tmp_path: Path, dataset: str, model: str, label: str
) -> None:
    (tmp_path / "net.py").write_text("class Net:\n    def __init__(self, classes, width=4): ...")
    setting = only_setting(tmp_path, dataset=dataset, model=model)
    assert problem_label(setting, (1, 28, 28), 10) == label


def test_cuts_of_a_data_set_are_told() -> None:
    cut = {"name": "mnist", "train": 1000, "test": None, "validation": 500}
    assert dataset_label(cut) == "mnist (train 1,000, 500 for validation)"
    whole = {"name": "mnist", "validation": 500, "normalize": True}
    assert dataset_label(whole) == "mnist (normalized, 500 for validation)"


def test_an_objective_is_called_by_its_name() -> None:
    beale = {"name": "objective", "objective": "beale", "start": "random", "train": 1000}
    assert dataset_label(beale) == "beale (start random, train 1,000)"
    assert dataset_label({"name": "quadratic", "rotated": False}) == "quadratic"


def test_data_of_ones_own_are_called_by_the_last_part_of_their_path() -> None:
    table = {"name": "file", "path": "/home/me/iris.csv", "target": None, "test_share": 0.2}
    assert dataset_label(table) == "file (path iris.csv, test_share 0.2)"
    assert dataset_label({"name": "/home/me/data.py:moons", "n": 100}) == "moons (n 100)"
