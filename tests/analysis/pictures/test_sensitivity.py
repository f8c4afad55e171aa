from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_runs import ADAM, SGD, load, make_rows, write_run

from optbench.analysis.comparison import compare
from optbench.analysis.pictures.sensitivity import ProblemSensitivity, problem_sensitivities
from optbench.analysis.question import Question
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def sensitivity(root: Path) -> ProblemSensitivity:
    (found,) = problem_sensitivities(compare(load(root), Question()))
    return found


def write_loss(root: Path, lr: float, loss: float, **description: object) -> None:
    """A run of SGD that starts at a train loss of 2.5 and ends at this one."""
    rows = make_rows([0.1, 0.5], train_loss=[2.5, loss])
    write_run(root, rows, **{"optimizer": SGD | {"lr": lr}} | description)


def test_a_stop_is_the_mean_over_the_seeds_of_one_learning_rate(tmp_path: Path) -> None:
    for lr, losses in ((0.1, [1.0, 2.0]), (0.01, [2.0, 2.25])):
        for seed, loss in enumerate(losses):
            write_loss(tmp_path, lr, loss, seed=seed)
    (curve,) = sensitivity(tmp_path).curves
    assert [(stop.lr, stop.mean) for stop in curve.stops] == [(0.01, 2.125), (0.1, 1.5)]
    assert curve.best.lr == 0.1
    assert sensitivity(tmp_path).untrained == 2.5


def test_a_run_counts_at_most_as_its_untrained_loss(tmp_path: Path) -> None:
    for lr, loss in ((0.1, 1.0), (1, 7.0)):
        write_loss(tmp_path, lr, loss)
    write_loss(tmp_path, 10, float("nan"), status="diverged")
    (curve,) = sensitivity(tmp_path).curves
    assert [stop.mean for stop in curve.stops] == [1.0, 2.5, 2.5]
    assert [stop.diverged for stop in curve.stops] == [0, 0, 1]


def test_an_interrupted_run_is_not_shown(tmp_path: Path) -> None:
    for lr in (0.1, 1, 10):
        write_loss(tmp_path, lr, 1.0)
    write_loss(tmp_path, 1, 2.0, seed=1, status="interrupted")
    (curve,) = sensitivity(tmp_path).curves
    assert [len(stop.trials) for stop in curve.stops] == [1, 1, 1]


def test_what_differs_in_more_than_the_learning_rate_is_another_curve(tmp_path: Path) -> None:
    for lr in (0.1, 1):
        write_loss(tmp_path, lr, 1.0)
        write_loss(tmp_path, lr, 1.5, optimizer=SGD | {"lr": lr, "weight_decay": 0.1})
        write_loss(tmp_path, lr, 1.2, optimizer=SGD | {"lr": lr, "momentum": 0.9})
    found = sensitivity(tmp_path)
    # The best grid of each: plain SGD without decay, and momentum.
    assert [curve.series.label for curve in found.curves] == ["sgd", "momentum"]
    assert found.left_out == 1


def test_grids_of_one_optimizer_are_told_apart_by_what_differs(tmp_path: Path) -> None:
    for lr in (0.1, 1):
        write_loss(tmp_path, lr, 1.0)
        write_loss(tmp_path, lr, 1.5, optimizer=SGD | {"lr": lr, "weight_decay": 0.1})
    (found,) = problem_sensitivities(compare(load(tmp_path), Question(by="setting")))
    labels = {curve.series.label: curve.series.nth for curve in found.curves}
    assert labels == {"sgd weight_decay=0": 0, "sgd weight_decay=0.1": 1}


def test_one_learning_rate_each_is_refused(tmp_path: Path) -> None:
    write_loss(tmp_path, 0.1, 1.0)
    write_loss(tmp_path, 0.001, 1.0, optimizer=ADAM)
    with pytest.raises(UsageError, match="no optimizer was run with two learning rates"):
        sensitivity(tmp_path)


def test_what_the_choice_of_the_learning_rate_costs(tmp_path: Path) -> None:
    """By hand: of both seeds the best is lr 1, so the excesses are (.5 + .75 + 0)/3 and
    (1 + .25 + 0)/3 of losses in steps of a quarter, whose log-spaced mean is plain."""
    for lr, losses in ((0.01, [1.5, 2.0]), (0.1, [1.75, 1.25]), (1, [1.0, 1.0])):
        for seed, loss in enumerate(losses):
            write_loss(tmp_path, lr, loss, seed=seed)
    (curve,) = sensitivity(tmp_path).curves
    assert curve.sensitivity is not None
    assert curve.sensitivity.best_lr == 1
    assert curve.sensitivity.excess.mean == pytest.approx((1.25 / 3 + 1.25 / 3) / 2)


def test_only_seeds_that_every_learning_rate_has_tell_what_it_costs(tmp_path: Path) -> None:
    for lr, losses in ((0.1, [1.5, 2.5]), (1, [1.0])):
        for seed, loss in enumerate(losses):
            write_loss(tmp_path, lr, loss, seed=seed)
    (curve,) = sensitivity(tmp_path).curves
    assert curve.sensitivity is not None
    assert (curve.sensitivity.excess.mean, curve.sensitivity.excess.n) == (0.25, 1)


def test_one_value_in_two_spellings_is_one_grid(tmp_path: Path) -> None:
    for lr, decay in ((0.1, 0), (1, 0.0)):
        write_loss(tmp_path, lr, 1.0, optimizer=SGD | {"lr": lr, "weight_decay": decay})
    (curve,) = sensitivity(tmp_path).curves
    assert [stop.lr for stop in curve.stops] == [0.1, 1]


@pytest.mark.parametrize("foreign", [0, -1, "0.1", None])
def test_a_learning_rate_that_no_run_can_have_is_on_no_grid(
    tmp_path: Path, foreign: object
) -> None:
    for lr, loss in ((foreign, 2.0), (0.1, 1.0), (1, 1.0)):
        write_loss(tmp_path, 0.1, loss, optimizer=SGD | {"lr": lr})
    (curve,) = sensitivity(tmp_path).curves
    assert curve.sensitivity is not None
    assert [stop.lr for stop in curve.stops if stop.lr != 1] == [0.1]
