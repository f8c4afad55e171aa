"""Wilson et al. 2017, section 3.3: where adaptive methods fit the training set and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import trained

from optbench.catalog.datasets.wilson import wilson_features


def test_examples_are_the_papers() -> None:
    train, test = wilson_features(train=10, test=4).load(Path())
    assert train.inputs.shape == (10, 3 + 5 * 14)
    for examples, before in ((train, 0), (test, 10)):
        for row, (features, (y,)) in enumerate(zip(examples.inputs, examples.targets, strict=True)):
            first = 3 + 5 * (before + row)
            own = range(first, first + (1 if y == 1 else 5))
            assert features[:3].tolist() == [y, 1, 1]
            assert set(np.flatnonzero(features[3:]) + 3) == set(own)
    assert (train.targets.sum(), test.targets.sum()) == (6 - 4, 0)


@pytest.mark.parametrize(
    ("optimizer", "accuracy"),
    [
        ({"name": "sgd", "lr": 0.1}, 1.0),
        ({"name": "momentum", "lr": 0.1}, 1.0),
        ({"name": "adam", "lr": 0.01}, 0.5),
        ({"name": "adagrad", "lr": 0.1}, 0.5),
        ({"name": "rmsprop", "lr": 0.001}, 0.5),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_adaptive_methods_answer_one_to_all_and_gradient_descent_does_not(
    optimizer: dict[str, Any], accuracy: float, tmp_path: Path
) -> None:
    learner = trained(
        tmp_path,
        dataset={"name": "wilson-features", "train": 30, "test": 30},
        model={"name": "linear", "bias": False, "zeros": True},
        optimizer=optimizer,
        training={"epochs": 1500, "batch_size": "full", "evaluate_every": {"steps": 500}},
    )
    last = learner.rows[-1]
    assert last["train_loss"] == pytest.approx(0, abs=1e-3)
    assert (last["train_accuracy"], last["test_accuracy"]) == (1.0, accuracy)
