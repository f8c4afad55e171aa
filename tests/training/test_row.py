"""The columns of a row, against the untrained model and by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from experiments import trained
from plain_loop import accuracy, mean_loss, mlp
from torch.nn.utils import parameters_to_vector

from optbench.store.metrics import format_rows

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = {"name": "digits", "train": 200, "test": 60, "validation": 40}


def test_row_0_is_the_untrained_model_on_all_training_examples(tmp_path: Path) -> None:
    learner = trained(tmp_path, dataset=DIGITS, model={"name": "mlp", "hidden": [16]})
    model = mlp(64, 16, 10)
    first = learner.rows[0]
    assert (first["epoch"], first["steps"], first["examples"]) == (0, 0, 0)
    assert first["lr"] is first["grad_norm"] is first["update_norm"] is None
    assert first["train_loss"] == pytest.approx(mean_loss(model, learner.data.train), rel=1e-6)
    assert first["train_accuracy"] == pytest.approx(accuracy(model, learner.data.train))
    assert first["test_loss"] == pytest.approx(mean_loss(model, learner.data.test), rel=1e-6)
    norm = parameters_to_vector(model.parameters()).double().norm().item()
    assert first["param_norm"] == pytest.approx(norm, rel=1e-12)


def test_the_epoch_is_a_whole_number_at_its_end_and_a_fraction_to_six_places_within(
    tmp_path: Path,
) -> None:
    learner = trained(
        tmp_path,
        dataset={"name": "synthetic", "train": 30, "test": 6, "features": 3, "classes": 2},
        training={"epochs": 2, "batch_size": 10, "evaluate_every": {"steps": 1}},
    )
    epochs = [line.split(",")[0] for line in format_rows(learner.rows).splitlines()[1:]]
    assert epochs == ["0", "0.333333", "0.666667", "1", "1.333333", "1.666667", "2"]


def test_without_validation_its_cells_are_empty(tmp_path: Path) -> None:
    learner = trained(tmp_path, dataset={**DIGITS, "validation": 0})
    assert {row["val_loss"] for row in learner.rows} == {None}
    assert {row["val_accuracy"] for row in learner.rows} == {None}


def test_rows_are_plain_numbers(tmp_path: Path) -> None:
    json.dumps(trained(tmp_path).rows, allow_nan=False)
