from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from stored_runs import ADAM, SGD, load, make_rows, write_run

from optbench.analysis.comparison import compare
from optbench.analysis.pictures.profile import profile
from optbench.analysis.question import Question
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.analysis.comparison import Comparison


def compared(root: Path) -> Comparison:
    return compare(load(root), Question(target=0.8))


def write_arrival(root: Path, problem: str, optimizer: dict[str, object], epochs: int) -> None:
    """A run of six epochs that reaches .8 after that many; 7 for never."""
    accuracies = [0.1] + [0.8 if epoch >= epochs else 0.5 for epoch in range(1, 7)]
    write_run(root, make_rows(accuracies), problem=problem, optimizer=optimizer, experiment=problem)


def test_times_are_divided_by_the_shortest_of_each_problem(tmp_path: Path) -> None:
    # Ratios by hand: adam 1, 1, 3/2; sgd 2, never, 1.
    for problem, adam, sgd in (("a", 1, 2), ("b", 2, 7), ("c", 3, 2)):
        write_arrival(tmp_path, problem, ADAM, adam)
        write_arrival(tmp_path, problem, SGD, sgd)
    found = profile(compared(tmp_path))
    ratios = {one.series.label: one.ratios for one in found.contestants}
    assert ratios == {"adam": (1, 1, 1.5), "sgd": (2, math.inf, 1)}
    # (3 + 3 + 2.5)/9 and (2 + 0 + 3)/9: r_max − r over r_max − 1 = 3, mean over the problems.
    assert [one.score for one in found.contestants] == pytest.approx([8.5 / 9, 5 / 9])
    taus, shares = zip(*found.contestants[1].steps(4), strict=True)
    assert taus == (1, 2, 4)
    assert shares == pytest.approx((1 / 3, 2 / 3, 2 / 3))


def test_who_lacks_a_problem_does_not_take_part(tmp_path: Path) -> None:
    for problem in ("a", "b"):
        write_arrival(tmp_path, problem, ADAM, 1)
        write_arrival(tmp_path, problem, SGD, 2)
    write_arrival(tmp_path, "a", {"name": "nadam", "lr": 0.1}, 1)
    found = profile(compared(tmp_path))
    assert {one.series.label for one in found.contestants} == {"adam", "sgd"}
    assert found.absent == ("nadam",)


def test_one_problem_is_refused(tmp_path: Path) -> None:
    write_arrival(tmp_path, "a", ADAM, 1)
    write_arrival(tmp_path, "a", SGD, 2)
    with pytest.raises(UsageError, match="a profile needs 2 problems with a target, got 1"):
        profile(compared(tmp_path))


def test_one_optimizer_is_refused(tmp_path: Path) -> None:
    for problem in ("a", "b"):
        write_arrival(tmp_path, problem, ADAM, 1)
    with pytest.raises(UsageError, match="a profile needs two optimizers"):
        profile(compared(tmp_path))


def test_a_target_that_nobody_reached_makes_no_profile(tmp_path: Path) -> None:
    for problem in ("a", "b"):
        write_arrival(tmp_path, problem, ADAM, 7)
        write_arrival(tmp_path, problem, SGD, 7)
    with pytest.raises(UsageError, match="no optimizer reached the target of any problem"):
        profile(compared(tmp_path))
