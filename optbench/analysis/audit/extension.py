"""The one extension that a comparison whose seeds did not decide is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.analysis.audit.contest import Contest
from optbench.analysis.audit.mending import extended, train

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.analysis.comparison import Comparison
    from optbench.analysis.verdict import Verdict

MOST_SEEDS = 100  # of each setting that a command asks for to show the difference seen


@dataclass(frozen=True)
class Extension:
    """Seeds of each setting, in all, that would show what is undecided, and what trains them."""

    problem: str
    seeds: int
    command: str


def extensions(comparison: Comparison) -> Iterator[Extension]:
    """One for each problem with undecided differences that nobody has extended yet.

    All settings that are judged get the seeds, as each is judged at those that all have.
    """
    for problem in comparison.problems:
        contest = Contest(comparison, problem)
        verdicts = [entrant.row.verdict for entrant in contest.contestants]
        needed = [seeds for verdict in verdicts if verdict and (seeds := _needed(verdict))]
        if needed:
            entrants, count = contest.contestants, max(needed)
            yield Extension(problem.label, count, train(entrants, extended(entrants, count)))


def _needed(verdict: Verdict) -> int | None:
    """The seeds for the difference seen, or where those are too many for the interval's far end."""
    if verdict.look > 1 or verdict.why != "difference" or verdict.equivalent:
        return None
    seen = verdict.seeds_seen
    return seen if seen is not None and seen <= MOST_SEEDS else verdict.seeds_far
