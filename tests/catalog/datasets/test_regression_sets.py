from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from experiments import trained
from scipy.optimize import minimize

from optbench.catalog.datasets.regression import linear_regression, logistic_regression
from optbench.errors import UsageError

if TYPE_CHECKING:
    from optbench.training.learner import Learner

NOWHERE = Path()
LINEAR: dict[str, Any] = {"model": "linear", "optimizer": {"name": "sgd", "lr": 0.4}}


def test_features_have_the_condition_number_asked_for() -> None:
    train, _ = linear_regression(train=100_000, features=4, condition=64).load(NOWHERE)
    eigenvalues = np.linalg.eigvalsh(np.cov(train.inputs.T))
    # Evenly spaced in their logarithms, from 1/64 to 1.
    assert eigenvalues == pytest.approx([1 / 64, 1 / 16, 1 / 4, 1], rel=0.03)


def test_targets_are_a_linear_function_and_noise_of_its_deviation() -> None:
    train, test = linear_regression(train=20_000, noise=0.3).load(NOWHERE)
    weights, rank = least_squares(train.inputs, train.targets)
    assert rank == 10
    assert np.std(train.targets - train.inputs @ weights) == pytest.approx(0.3, rel=0.03)
    clean = linear_regression(train=50, noise=0).load(NOWHERE)[1]  # the same rule and test inputs
    assert clean.targets == pytest.approx(test.inputs @ weights, abs=0.05)


def least_squares(inputs: Any, targets: Any) -> tuple[Any, int]:
    weights, _, rank, _ = np.linalg.lstsq(inputs, targets, rcond=None)
    return weights, int(rank)


def weights_of(learner: Learner) -> tuple[np.ndarray[Any, Any], float]:
    weight, bias = (p.detach().double().numpy() for p in learner.model.parameters())
    return weight.ravel(), float(bias[0])


def test_gradient_descent_ends_at_the_least_squares_solution(tmp_path: Path) -> None:
    learner = trained(
        tmp_path,
        **LINEAR,
        dataset={"name": "linear-regression", "train": 200, "features": 4, "condition": 4},
        training={"epochs": 400, "batch_size": "full"},
    )
    train, test = linear_regression(train=200, features=4, condition=4).load(NOWHERE)
    design = np.column_stack([train.inputs, np.ones(200)])
    best, _ = least_squares(design, train.targets.ravel())
    weight, bias = weights_of(learner)
    assert [*weight, bias] == pytest.approx(best, abs=1e-4)
    errors = test.targets.ravel() - np.column_stack([test.inputs, np.ones(200)]) @ best
    assert learner.rows[-1]["test_loss"] == pytest.approx((errors**2).mean(), rel=1e-3)
    assert learner.rows[-1]["test_accuracy"] is None


def test_overlapping_classes_have_the_best_weights_that_scipy_finds(tmp_path: Path) -> None:
    learner = trained(
        tmp_path,
        model="linear",
        optimizer={"name": "sgd", "lr": 4},
        dataset={"name": "logistic-regression", "train": 300, "features": 3, "condition": 4},
        training={"epochs": 500, "batch_size": "full"},
    )
    train, _ = logistic_regression(train=300, features=3, condition=4).load(NOWHERE)
    x, y = train.inputs.astype(float), train.targets.ravel()

    def loss(parameters: np.ndarray[Any, Any]) -> float:
        logits = x @ parameters[:3] + parameters[3]
        return float((np.logaddexp(0, logits) - y * logits).mean())

    found = minimize(loss, np.zeros(4), tol=1e-10)
    weight, bias = weights_of(learner)
    assert [*weight, bias] == pytest.approx(found.x, abs=0.02)
    assert loss(np.array([*weight, bias])) == pytest.approx(found.fun, abs=1e-5)
    assert 0.7 < float(learner.rows[-1]["test_accuracy"] or 0) < 1


def test_classes_are_drawn_at_the_odds_of_their_scores_or_parted_by_them() -> None:
    drawn, _ = logistic_regression(train=50_000, features=1, signal=2).load(NOWHERE)
    parted, _ = logistic_regression(train=500, features=1, separable=True).load(NOWHERE)
    steep = 2 * np.sign(np.corrcoef(drawn.inputs.ravel(), drawn.targets.ravel())[0, 1])
    near = np.abs(steep * drawn.inputs.ravel() - 1) < 0.1  # where the logit is 1
    assert drawn.targets.ravel()[near].mean() == pytest.approx(1 / (1 + math.exp(-1)), abs=0.03)
    assert (parted.targets.ravel() == (steep * parted.inputs.ravel() > 0)).all()


@pytest.mark.parametrize("arguments", [{"condition": 0.5}, {"noise": -1}, {"features": 0}])
def test_what_makes_no_data_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(arguments))):
        linear_regression(**arguments)
