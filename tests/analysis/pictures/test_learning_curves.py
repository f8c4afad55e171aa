from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_runs import SGD, load, make_rows, write_run

from optbench.analysis.comparison import compare
from optbench.analysis.pictures.curves import MOST_POINTS, ProblemCurves, problem_curves
from optbench.analysis.question import Question
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.analysis.target import Unit


def curves(root: Path, unit: Unit = "epochs") -> ProblemCurves:
    (found,) = problem_curves(compare(load(root), Question()), unit)
    return found


def write_timed(root: Path, seconds: list[float], **description: object) -> None:
    """A run of two epochs whose timing.csv has these seconds of training for rows 0, 1 and 2."""
    path = write_run(root, make_rows([0.1, 0.5, 0.9]), **description)
    lines = [f"{938 * row},{time!r},0.1" for row, time in enumerate(seconds)]
    text = "\n".join(["steps,train_seconds,evaluation_seconds", *lines]) + "\n"
    (path / "timing.csv").write_text(text, encoding="utf-8")


def test_a_point_is_the_mean_and_t_interval_over_seeds(tmp_path: Path) -> None:
    for seed, final in enumerate([0.8, 0.9, 1.0]):
        write_run(tmp_path, make_rows([0.1, 0.5, final]), seed=seed)
    (curve,) = curves(tmp_path).curves
    first, last = curve.metric.mean
    assert (first.epoch, first.mean, first.low, first.high) == (1, 0.5, 0.5, 0.5)
    # t(.975, 2) = 4.302653, s = 0.1: 0.9 ± 4.302653 · 0.1 / √3
    assert (last.mean, last.low, last.high) == pytest.approx((0.9, 0.651586, 1.148414), abs=1e-6)


def test_each_seed_keeps_its_own_line(tmp_path: Path) -> None:
    for seed, final in enumerate([0.8, 0.9]):
        write_run(tmp_path, make_rows([0.1, 0.5, final]), seed=seed)
    (curve,) = curves(tmp_path).curves
    lines = {seed.seed: [sample.value for sample in seed.samples] for seed in curve.metric.seeds}
    assert lines == {0: [0.5, 0.8], 1: [0.5, 0.9]}


def test_the_untrained_row_is_left_out(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]))
    (curve,) = curves(tmp_path).curves
    assert [point.epoch for point in curve.loss.mean] == [1]


def test_a_diverged_seed_is_not_in_the_mean_and_is_counted(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]))
    write_run(tmp_path, make_rows([0.1, 0.2]), seed=1, status="diverged")
    (curve,) = curves(tmp_path).curves
    assert (curve.metric.mean[0].mean, curve.completed, curve.diverged) == (0.9, 1, 1)
    assert [seed.diverged for seed in curve.metric.seeds] == [False, True]


def test_a_setting_that_only_diverged_is_followed_while_it_is_finite(tmp_path: Path) -> None:
    losses = [2.3, 5.0, float("inf")]
    write_run(tmp_path, make_rows([0.1] * 3, train_loss=losses), status="diverged")
    (curve,) = curves(tmp_path).curves
    assert [point.mean for point in curve.loss.mean] == [5.0]


def test_steps_are_those_of_the_rows(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.5, 0.9]))
    (curve,) = curves(tmp_path, "steps").curves
    assert [point.at for point in curve.loss.mean] == [938, 1876]


def test_the_mean_stands_at_the_seeds_mean_seconds(tmp_path: Path) -> None:
    write_timed(tmp_path, [0, 1.0, 2.0])
    write_timed(tmp_path, [0, 3.0, 2.0], seed=1)
    (curve,) = curves(tmp_path, "seconds").curves
    assert [point.at for point in curve.loss.mean] == [2, 4]  # of 1 and 3, then of 3 and 5
    assert [sample.at for sample in curve.loss.seeds[1].samples] == [3, 5]


def test_seconds_that_nobody_recorded_are_refused(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]))
    with pytest.raises(UsageError, match=r"timing\.csv.*; choose epochs or steps"):
        curves(tmp_path, "seconds")


def test_seconds_of_two_machines_are_refused(tmp_path: Path) -> None:
    write_timed(tmp_path, [0, 1.0, 2.0])
    write_timed(tmp_path, [0, 1.0, 2.0], seed=1, environment={"host": "another"})
    with pytest.raises(UsageError, match=r"can't be compared: .* different machines"):
        curves(tmp_path, "seconds")
    assert curves(tmp_path, "steps").curves


def test_other_settings_of_an_optimizer_are_counted_as_left_out(tmp_path: Path) -> None:
    for lr in (0.01, 0.1, 1.0):
        write_run(tmp_path, make_rows([0.1, 0.9 - lr / 10]), optimizer=SGD | {"lr": lr})
    found = curves(tmp_path)
    assert [curve.series.label for curve in found.curves] == ["sgd lr=0.01"]
    assert (found.left_out, found.unfinished) == (2, 0)


def test_an_optimizer_without_a_finished_seed_is_not_another_setting_left_out(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]))
    write_run(tmp_path, make_rows([0.1]), optimizer=SGD, status="failed")
    found = curves(tmp_path)
    assert (found.left_out, found.unfinished) == (0, 1)


def test_a_very_long_curve_is_thinned_and_keeps_its_end(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1] + [0.5 + n / 4000 for n in range(1000)]))
    (curve,) = curves(tmp_path).curves
    epochs = [point.epoch for point in curve.metric.mean]
    assert MOST_POINTS / 2 < len(epochs) <= MOST_POINTS
    assert epochs[-1] == 1000
