"""The command that adds the seeds which would decide what is undecided."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from scipy.stats import nct, t
from stored_runs import ADAM, SGD, load
from verdict_runs import BASE, above, better, second_look, store, three_comparisons, undecided

from optbench.analysis.audit.extension import Extension, extensions
from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.report.audit import extension_lines

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
    assert extension_lines([extension], None) == (
        f"The one extension, to 18 seeds of each:\n  {extension.command}\n"
    )


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


def test_several_problems_are_told_apart() -> None:
    told = extension_lines([Extension("digits", 9, "optbench run a.yaml --seeds 9")] * 2)
    assert told.count("The one extension, to 9 seeds of each: [digits]\n  optbench run a.yaml") == 2
