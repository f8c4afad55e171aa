from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from stored_runs import load, make_rows, write_run

from optbench.analysis.metric import Metric
from optbench.analysis.target import TimeToTarget, default_target, time_to_target

if TYPE_CHECKING:
    from pathlib import Path

ACCURACY, LOSS = Metric("test_accuracy"), Metric("train_loss")


def times(root: Path, metric: Metric, target: float) -> TimeToTarget:
    found = time_to_target(load(root), metric, target)
    assert found is not None
    return found


def test_the_first_evaluation_at_or_beyond_the_target_counts(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.94, 0.95, 0.93, 0.96]))
    (seed,) = times(tmp_path, ACCURACY, 0.95).seeds
    assert (seed.epoch, seed.steps) == (2, 2 * 938)


def test_a_loss_reaches_its_target_from_above(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.5, 0.9], train_loss=[2.3, 0.5, 0.2]))
    assert times(tmp_path, LOSS, 0.5).median_epoch == 1


def test_the_untrained_model_may_be_good_enough_already(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.5]))
    assert times(tmp_path, ACCURACY, 0.1).median_steps == 0


def test_never_is_infinity_and_takes_part_in_the_median(tmp_path: Path) -> None:
    for seed, final in enumerate([0.9, 0.9, 0.5]):
        write_run(tmp_path, make_rows([0.1, final, final]), seed=seed)
    found = times(tmp_path, ACCURACY, 0.9)
    assert (found.reached, found.n, found.median_epoch) == (2, 3, 1)
    write_run(tmp_path, make_rows([0.1, 0.5, 0.5]), seed=3)
    assert math.isinf(times(tmp_path, ACCURACY, 0.9).median_epoch)
    assert times(tmp_path, ACCURACY, 0.9).horizon == 2 * 938


def test_diverged_runs_count_and_interrupted_ones_are_missing(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]), seed=0, status="diverged")
    write_run(tmp_path, make_rows([0.1, 0.2]), seed=1, status="diverged")
    for seed, status in enumerate(("interrupted", "failed", "pruned"), start=2):
        write_run(tmp_path, make_rows([0.1, 0.9]), seed=seed, status=status)
    found = times(tmp_path, ACCURACY, 0.9)
    assert [time.seed for time in found.seeds] == [0, 1]
    assert found.reached == 1


def test_nan_never_reaches_a_target(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, math.nan], train_loss=[2.0, math.nan]))
    assert times(tmp_path, ACCURACY, 0.5).reached == 0
    assert times(tmp_path, LOSS, 0.5).reached == 0


def test_without_the_metric_there_are_no_times(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]))
    assert time_to_target(load(tmp_path), Metric("val_loss"), 0.5) is None


@pytest.mark.parametrize(("metric", "worst"), [(ACCURACY, 0.7), (LOSS, pytest.approx(0.6))])
def test_the_default_is_the_worst_final_value_of_the_completed_seeds(
    tmp_path: Path, metric: Metric, worst: float
) -> None:
    for seed, final in enumerate([0.9, 0.7, 0.8]):
        write_run(tmp_path, make_rows([0.1, 0.95, final]), seed=seed)
    write_run(tmp_path, make_rows([0.1, 0.2]), seed=3, status="diverged")
    assert default_target(load(tmp_path), metric) == worst


def test_without_a_finite_final_value_there_is_no_default(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, math.nan]))
    assert default_target(load(tmp_path), ACCURACY) is None
