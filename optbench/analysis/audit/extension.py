"""The seeds that a comparison still takes to decide: the one extension, or more than one seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.audit.contest import Contest
from optbench.analysis.audit.mending import extended, train

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.analysis.comparison import Comparison, ProblemComparison
    from optbench.analysis.verdict import Verdict

USUAL_SEEDS = 8  # of which a verdict is made where nobody said how many
MOST_SEEDS = 100  # of each setting that a command asks for to show the difference seen


@dataclass(frozen=True)
class Extension:
    """Seeds of each setting, in all, that would show what is undecided, and what trains them.

    Of one seed each they are the first that show anything, so no extension is used up.
    """

    seeds: int
    command: str
    of_one_seed: bool = False


def extensions(comparison: Comparison) -> Iterator[Extension]:
    """Those of all problems that have one."""
    for problem in comparison.problems:
        if found := extension(problem, comparison):
            yield found


def extension(problem: ProblemComparison, comparison: Comparison) -> Extension | None:
    """That of a problem; None where nothing is open, or where its seeds were added to already.

    All settings that are judged get the seeds, as each is judged at those that all have.
    """
    contest = Contest(comparison, problem)
    if contest.one_seed_each:
        return beyond_one_seed(contest)
    needed = [seeds for verdict in _verdicts(contest) if (seeds := _needed(verdict))]
    return _to(max(needed), contest) if needed else None


def beyond_one_seed(contest: Contest) -> Extension | None:
    """The usual number of seeds, or more where these can't decide; None where no more would."""
    fewest = [verdict.fewest for verdict in _verdicts(contest) if verdict.why == "one seed"]
    return _to(max(USUAL_SEEDS, *fewest), contest, of_one_seed=True) if fewest else None


def _verdicts(contest: Contest) -> list[Verdict]:
    return [entrant.row.verdict for entrant in contest.contestants if entrant.row.verdict]


def _to(count: int, contest: Contest, *, of_one_seed: bool = False) -> Extension:
    entrants = contest.contestants
    return Extension(count, train(entrants, extended(entrants, count)), of_one_seed)


def _needed(verdict: Verdict) -> int | None:
    """The seeds for the difference seen, or where those are too many for the interval's far end."""
    if verdict.look > 1 or verdict.why != "difference" or verdict.equivalent:
        return None
    seen = verdict.seeds_seen
    return seen if seen is not None and seen <= MOST_SEEDS else verdict.seeds_far
