from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from stored_runs import ADAM, SGD, load, make_rows, write_run

from optbench.analysis.comparison import compare
from optbench.analysis.pictures.target import ProblemArrivals, problem_arrivals
from optbench.analysis.question import Question
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.analysis.target import Unit


def arrivals(root: Path, target: float = 0.8, unit: Unit = "epochs") -> ProblemArrivals:
    (found,) = problem_arrivals(compare(load(root), Question(target=target)), unit)
    return found


def test_the_stairs_count_the_seeds_that_arrived(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.8, 0.9, 0.9]), seed=0)  # after 1 epoch
    write_run(tmp_path, make_rows([0.1, 0.5, 0.7, 0.8]), seed=1)  # after 3
    write_run(tmp_path, make_rows([0.1, 0.5, 0.7, 0.7]), seed=2)  # never
    (setting,) = arrivals(tmp_path).arrivals
    assert setting.times == (1, 3, math.inf)
    assert setting.steps == ((0, 0), (1, 1), (3, 2))
    assert (setting.reached, setting.horizon) == (2, 3)


def test_a_diverged_seed_never_arrived_and_an_interrupted_one_is_missing(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]), seed=0)
    write_run(tmp_path, make_rows([0.1, 0.2]), seed=1, status="diverged")
    write_run(tmp_path, make_rows([0.1, 0.2]), seed=2, status="interrupted")
    (setting,) = arrivals(tmp_path).arrivals
    assert setting.times == (1, math.inf)


def test_the_unit_is_the_questions_unless_another_is_given(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]))
    question = Question(target=0.8, unit="examples")
    comparison = compare(load(tmp_path), question)
    assert problem_arrivals(comparison)[0].arrivals[0].times == (60_000,)
    assert problem_arrivals(comparison, "steps")[0].arrivals[0].times == (938,)


def test_a_target_that_nobody_reached_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]))
    with pytest.raises(UsageError, match=r"no seed of any setting reached the target 0\.95"):
        arrivals(tmp_path, 0.95)


def test_seconds_need_their_record(tmp_path: Path) -> None:
    for optimizer in (ADAM, SGD):
        write_run(tmp_path, make_rows([0.1, 0.9]), optimizer=optimizer)
    with pytest.raises(UsageError, match="no record of its seconds"):
        arrivals(tmp_path, unit="seconds")
