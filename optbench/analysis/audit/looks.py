"""How often one looked, at what, and at how many seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.audit.contest import Contest, Entrant, Flaw, labels, listed
from optbench.analysis.audit.mending import train, train_fresh
from optbench.analysis.looks import FIRST_ALPHA
from optbench.analysis.statistics.power import fewest_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

USUAL_SEEDS = 8  # of which a verdict is made where nobody said how many


def selected_on_reported(contest: Contest) -> Iterator[Flaw]:
    """The best of several settings, reported on the seeds that it was chosen by."""
    if contest.one_seed_each:
        return
    chosen = [entrant for entrant in contest.leaders.values() if _is_selected(entrant, contest)]
    if not chosen:
        return
    told = [f"{e.label} (of {len(contest.families[e.family])})" for e in chosen]
    yield Flaw(
        f"selected on the seeds that are reported: {listed(told)}",
        tuple(chosen),
        train_fresh(contest, _fresh_count(contest)),
    )


def looked_again(contest: Contest) -> Iterator[Flaw]:
    """Seeds that were added to those first declared."""
    again = [e for e in contest.contestants if e.row.verdict and e.row.verdict.look > 1]
    if again:
        yield Flaw(
            f"{labels(again)}: seeds were added to those first declared",
            tuple(again),
            train_fresh(contest, _fresh_count(contest)),
        )


def too_few(contest: Contest) -> Iterator[Flaw]:
    """Fewer seeds than could decide anything; after a second look only fresh ones would."""
    verdicts = [entrant.row.verdict for entrant in contest.contestants if entrant.row.verdict]
    short = [v for v in verdicts if v.why in ("one seed", "too few pairs") and v.look == 1]
    if not short:
        return
    if contest.one_seed_each:
        settings = max(map(len, contest.families.values()))
        untuned = " and one learning rate" if settings == 1 else ""
        message = f"one seed{untuned} each: no verdict"
        needed = max(USUAL_SEEDS, *(verdict.fewest for verdict in short))
    else:
        few = min(verdict.n for verdict in short)
        needed = max(verdict.fewest_next for verdict in short)
        message = f"{few} seeds cannot reach a verdict, {needed} can"
    entrants = contest.contestants
    yield Flaw(message, entrants, train(entrants, _extended(contest, needed)))


def _is_selected(entrant: Entrant, contest: Contest) -> bool:
    rivals = [other for other in contest.families[entrant.family] if other is not entrant]
    return any(entrant.finished_seeds & rival.finished_seeds for rival in rivals)


def _fresh_count(contest: Contest) -> int:
    """As many as there are of each now, and enough for a verdict on each contrast."""
    declared = max(len(entrant.seeds) for entrant in contest.contestants)
    contrasts = max(len(contest.contestants) - 1, 1)
    return max(declared, fewest_pairs(FIRST_ALPHA, contrasts))


def _extended(contest: Contest, count: int) -> frozenset[int]:
    """The seeds there are, and those that follow, so many in all."""
    known = frozenset().union(*(entrant.seeds for entrant in contest.contestants))
    first = max(known) + 1
    return known | frozenset(range(first, first + count - len(known)))
