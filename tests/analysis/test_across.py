"""Several problems in one number, against hand calculations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_runs import ADAM, SGD, load, make_rows, result_document, write_run

from optbench.analysis.comparison import Comparison, compare
from optbench.analysis.question import Question
from optbench.report.comparison import render

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def write(root: Path, problem: str, optimizer: object, finals: Sequence[float | None]) -> None:
    """A run a seed that ends on these accuracies; None: it diverged."""
    for seed, accuracy in enumerate(finals):
        rows = make_rows([0.1, accuracy or 0.1])
        status = "completed" if accuracy else "diverged"
        described = {"optimizer": optimizer, "problem": problem, "experiment": problem}
        write_run(root, rows, seed=seed, status=status, declared_seeds=len(finals), **described)


def compared(root: Path, **options: object) -> Comparison:
    return compare(load(root), Question(**options))  # type: ignore[arg-type]


def test_the_interquartile_mean_leaves_out_the_outer_quarters(tmp_path: Path) -> None:
    write(tmp_path, "a", ADAM, [0.5, 0.6])
    write(tmp_path, "b", ADAM, [0.8, 1.0])
    (found,) = compared(tmp_path).overall_accuracies
    assert found.accuracy.mean == pytest.approx((0.6 + 0.8) / 2)
    assert found.accuracy.low is None  # two seeds are too few for a bootstrap
    assert found.gap == pytest.approx((0.5 + 0.4 + 0.2 + 0.0) / 4)


def test_the_best_comes_first_and_a_diverged_seed_has_learned_nothing(tmp_path: Path) -> None:
    for problem in "ab":
        write(tmp_path, problem, ADAM, [0.9, None, 0.9, 0.9])
        write(tmp_path, problem, SGD, [0.8, 0.8, 0.8, 0.8])
    adam, sgd = compared(tmp_path).overall_accuracies
    assert (adam.name, sgd.name) == ("adam", "sgd")
    assert adam.gap == pytest.approx((3 * 0.1 + 1) / 4)
    assert sgd.accuracy.mean == pytest.approx(0.8)


def test_ten_seeds_have_an_interval_around_the_mean(tmp_path: Path) -> None:
    for problem in "ab":
        write(tmp_path, problem, ADAM, [0.90 + seed / 100 for seed in range(10)])
    (found,) = compared(tmp_path).overall_accuracies
    assert found.accuracy.low is not None
    assert found.accuracy.high is not None
    assert 0.9 < found.accuracy.low < found.accuracy.mean < found.accuracy.high < 0.99
    assert compared(tmp_path).overall_accuracies == (found,)  # the same bootstrap each time


def test_who_lacks_a_problem_or_a_seed_takes_no_part(tmp_path: Path) -> None:
    write(tmp_path, "a", ADAM, [0.9, 0.9])
    write(tmp_path, "b", ADAM, [0.9])
    write(tmp_path, "a", SGD, [0.9, 0.9])
    assert compared(tmp_path).overall_accuracies == ()


def test_losses_of_different_problems_are_not_averaged(tmp_path: Path) -> None:
    for problem in "ab":
        write(tmp_path, problem, ADAM, [0.9, 0.9])
    assert compared(tmp_path, metric="test_loss").overall_accuracies == ()


def test_the_page_says_it_once_below_all_problems(tmp_path: Path) -> None:
    for problem in "ab":
        write(tmp_path, problem, ADAM, [0.9, 0.9])
        write(tmp_path, problem, SGD, [0.8, 0.8])
    page = " ".join(render(compared(tmp_path, target=0.85)).split())
    assert page.count("Interquartile mean of the test accuracy over 2 problems: adam 90.0%") == 1
    assert "adam 1, sgd 0; it depends on who takes part." in page


def test_two_splits_of_one_data_set_are_no_two_problems(tmp_path: Path) -> None:
    for problem, held_out in (("a", 0), ("b", 500)):
        for optimizer in (ADAM, SGD):
            document = result_document(optimizer=optimizer, problem=problem, experiment=problem)
            dataset = document["config"]["dataset"] | {"name": "mnist", "validation": held_out}
            config = document["config"] | {"dataset": dataset}
            rows = make_rows([0.1, 0.9])
            described = {"optimizer": optimizer, "problem": problem, "experiment": problem}
            write_run(tmp_path, rows, config=config, **described)
    found = compared(tmp_path)
    assert len(found.problems) == 2
    assert found.overall_accuracies == ()
    assert found.mean_speedups == {}
