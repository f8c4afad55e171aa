from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_runs import SGD, load, make_rows, write_run

from optbench.analysis.comparison import compare
from optbench.analysis.pictures.tuning import ProblemTuning, problem_tunings
from optbench.analysis.question import Question
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def tuning(root: Path) -> ProblemTuning:
    (found,) = problem_tunings(compare(load(root), Question()))
    return found


def write_trial(root: Path, lr: float, loss: float, accuracy: float, **description: object) -> None:
    rows = make_rows([0.1, accuracy], train_loss=[2.5, loss])
    write_run(root, rows, optimizer=SGD | {"lr": lr}, **description)


def test_the_best_of_k_is_chosen_by_loss_and_told_in_the_metric(tmp_path: Path) -> None:
    # From worst to best loss: accuracies .4, .6, .9, .8; the best loss has not the best accuracy.
    for lr, loss, accuracy in ((1, 4, 0.4), (2, 3, 0.6), (3, 2, 0.9), (4, 1, 0.8)):
        write_trial(tmp_path, lr, loss, accuracy)
    (curve,) = tuning(tmp_path).curves
    # k = 2: of the six pairs the later one counts: .6, .9, .9, .8, .8, .8. k = 3: .9, 3 · .8.
    expected = [2.7 / 4, 4.8 / 6, 3.3 / 4, 0.8]
    assert curve.expected == pytest.approx(expected)


def test_a_diverged_setting_is_worst_and_counts_as_untrained(tmp_path: Path) -> None:
    for lr, loss, accuracy in ((1, 3, 0.7), (2, 2, 0.7), (3, 1, 0.7)):
        write_trial(tmp_path, lr, loss, accuracy)
    write_trial(tmp_path, 4, 0.5, 0.9, status="diverged")
    (curve,) = tuning(tmp_path).curves
    # Alone it has the untrained .1; in any pair the other one is chosen.
    assert curve.expected == pytest.approx([(3 * 0.7 + 0.1) / 4, 0.7, 0.7, 0.7])
    assert curve.diverged == 1


def test_fewer_than_four_settings_are_refused(tmp_path: Path) -> None:
    for lr in (1, 2, 3):
        write_trial(tmp_path, lr, 1, 0.9)
    with pytest.raises(UsageError, match="a tuning curve needs 4 finished settings"):
        tuning(tmp_path)
