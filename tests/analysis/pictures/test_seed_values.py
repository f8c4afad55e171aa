from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stored_runs import ADAM, SGD, load, make_rows, write_run, write_seeds

from optbench.analysis.comparison import compare
from optbench.analysis.pictures.seeds import problem_seeds
from optbench.analysis.question import Question
from optbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_every_completed_seed_is_there_and_diverged_ones_are_counted(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.8, 0.9, 1.0], optimizer=ADAM)
    write_run(tmp_path, make_rows([0.1, 0.2]), seed=3, status="diverged")
    write_seeds(tmp_path, [0.7, 0.7], optimizer=SGD)
    (found,) = problem_seeds(compare(load(tmp_path), Question(reference="sgd")))
    sgd, adam = found.strips  # whoever diverged stands last
    assert adam.values == ((0, 0.8), (1, 0.9), (2, 1.0))
    assert (adam.diverged, adam.is_reference, sgd.is_reference) == (1, False, True)
    assert adam.estimate is not None
    # t(.975, 2) = 4.302653, s = 0.1: 0.9 ± 4.302653 · 0.1 / √3
    assert adam.estimate.low == pytest.approx(0.651586, abs=1e-6)


def test_nothing_completed_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.2]), status="diverged")
    with pytest.raises(UsageError, match="no completed run has a final test_accuracy"):
        problem_seeds(compare(load(tmp_path), Question()))
