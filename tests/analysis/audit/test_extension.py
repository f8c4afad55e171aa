"""The command that adds the seeds which would decide what is undecided."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from scipy.stats import nct, t
from stored_runs import ADAM, SGD, load
from verdict_runs import (
    BASE,
    above,
    better,
    one_seed,
    second_look,
    store,
    three_comparisons,
    undecided,
)

from optbench.analysis.audit.extension import Extension, extensions
from optbench.analysis.comparison import compare
from optbench.analysis.question import Question

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

USUAL = Question()


def found(root: Path, question: Question = USUAL) -> list[Extension]:
    return list(extensions(compare(load(root), question)))


def seeds_for(differences: Sequence[float]) -> int:
    """The formula of docs/statistics.md at .01, for one comparison."""
    d = abs(statistics.fmean(differences)) / statistics.stdev(differences)
    n = 2
    while nct.sf(t.isf(0.005, n - 1), n - 1, d * n**0.5) < 0.8:
        n += 1
    return max(n + (n < 12), 8)


def test_it_asks_for_the_seeds_of_the_difference_seen(tmp_path: Path) -> None:
    differences = [0.003, -0.001, 0.002, 0.005, -0.002, -0.001, 0.002, 0.003]
    store(tmp_path, ADAM, above(differences))
    store(tmp_path, SGD, BASE)
    (extension,) = found(tmp_path)
    assert extension.seeds == seeds_for(differences)
    assert extension.command.endswith(f" --seeds {extension.seeds} --runs-dir {tmp_path}")
    assert extension.command.count("config.yaml") == 2


def test_of_a_difference_too_small_to_be_shown_it_asks_for_the_far_end(tmp_path: Path) -> None:
    undecided(tmp_path)  # where the difference seen would take 16,589
    (extension,) = found(tmp_path)
    assert extension.seeds == 18


def test_settings_that_are_decided_get_the_seeds_as_well(tmp_path: Path) -> None:
    three_comparisons(tmp_path)
    (extension,) = found(tmp_path)
    assert extension.command.count("config.yaml") == 4


def test_there_is_none_where_nothing_is_open(tmp_path: Path) -> None:
    better(tmp_path / "decided")
    second_look(tmp_path / "extended")
    undecided(tmp_path / "equivalent")
    assert found(tmp_path / "decided") == []
    assert found(tmp_path / "extended") == []
    assert found(tmp_path / "equivalent", Question(margin=0.002)) == []


def test_one_seed_each_takes_the_usual_eight_and_more_where_these_can_not_decide(
    tmp_path: Path,
) -> None:
    one_seed(tmp_path)
    (first,) = found(tmp_path)
    assert (first.seeds, first.of_one_seed) == (8, True)
    for i in range(9):  # with ten comparisons, 2/2^n is at most .04/10 from 9 pairs on
        store(tmp_path, ADAM | {"name": f"adam{i}"}, [0.92])
    (more,) = found(tmp_path)
    assert more.seeds == 9
    assert more.command.endswith(f" --seeds 9 --runs-dir {tmp_path}")
    assert more.command.count("config.yaml") == 11
