from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_runs import SGD, load, make_rows, write_run

from optbench.analysis.comparison import compare
from optbench.analysis.curves import ProblemCurves, problem_curves
from optbench.analysis.question import Question

if TYPE_CHECKING:
    from pathlib import Path


def curves(root: Path) -> ProblemCurves:
    (found,) = problem_curves(compare(load(root), Question()))
    return found


def test_a_point_is_the_mean_and_t_interval_over_seeds(tmp_path: Path) -> None:
    for seed, final in enumerate([0.8, 0.9, 1.0]):
        write_run(tmp_path, make_rows([0.1, 0.5, final]), seed=seed)
    (curve,) = curves(tmp_path).curves
    first, last = curve.metric
    assert (first.epoch, first.mean, first.low, first.high) == (1, 0.5, 0.5, 0.5)
    # t(.975, 2) = 4.302653, s = 0.1: 0.9 ± 4.302653 · 0.1 / √3
    assert (last.mean, last.low, last.high) == pytest.approx((0.9, 0.651586, 1.148414), abs=1e-6)


def test_the_untrained_row_is_left_out(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]))
    (curve,) = curves(tmp_path).curves
    assert [point.epoch for point in curve.loss] == [1]


def test_a_diverged_seed_is_not_in_the_mean_and_is_counted(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]))
    write_run(tmp_path, make_rows([0.1, 0.2]), seed=1, status="diverged")
    (curve,) = curves(tmp_path).curves
    assert (curve.metric[0].mean, curve.completed, curve.diverged) == (0.9, 1, 1)


def test_a_setting_that_only_diverged_is_followed_while_it_is_finite(tmp_path: Path) -> None:
    losses = [2.3, 5.0, float("inf")]
    write_run(tmp_path, make_rows([0.1] * 3, train_loss=losses), status="diverged")
    (curve,) = curves(tmp_path).curves
    assert [point.mean for point in curve.loss] == [5.0]


def test_other_settings_of_an_optimizer_are_counted_as_left_out(tmp_path: Path) -> None:
    for lr in (0.01, 0.1, 1.0):
        write_run(tmp_path, make_rows([0.1, 0.9 - lr / 10]), optimizer=SGD | {"lr": lr})
    found = curves(tmp_path)
    assert [curve.label for curve in found.curves] == ["sgd lr=0.01"]
    assert (found.left_out, found.unfinished) == (2, 0)


def test_an_optimizer_without_a_finished_seed_is_not_another_setting_left_out(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]))
    write_run(tmp_path, make_rows([0.1]), optimizer=SGD, status="failed")
    found = curves(tmp_path)
    assert (found.left_out, found.unfinished) == (0, 1)
