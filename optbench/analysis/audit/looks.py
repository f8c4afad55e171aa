"""How often one looked, at what, and at how many seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.audit.contest import Contest, Entrant, Flaw, labels, listed
from optbench.analysis.audit.extension import beyond_one_seed
from optbench.analysis.audit.mending import compare, extended, train, train_fresh
from optbench.analysis.audit.tuning import at_edge
from optbench.analysis.looks import FIRST_ALPHA
from optbench.analysis.statistics.power import fewest_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def selected_on_reported(contest: Contest) -> Iterator[Flaw]:
    """The best of several settings, reported on the seeds that it was chosen by."""
    if contest.one_seed_each:
        return
    chosen = [entrant for entrant in contest.leaders.values() if _is_selected(entrant, contest)]
    if not chosen:
        return
    told = [f"{e.label} (of {len(contest.families[e.family])})" for e in chosen]
    message = f"selected on the seeds that are reported: {listed(told)}"
    if any(at_edge(contest)):  # fresh seeds of a setting that tuning would yet leave decide nothing
        yield Flaw(f"{message}; fresh seeds come after wider grids", tuple(chosen), None)
    elif others := [other for e in chosen for other in contest.beside_at_other_rates(e)]:
        folders = dict.fromkeys(run.path.parent for other in others for run in other.runs)
        whose = "it" if len(chosen) == 1 else "them"
        yield Flaw(
            f"{message}; other learning rates of {whose} are not in this table",
            tuple(chosen),
            compare(contest, folders),
        )
    else:
        yield Flaw(message, tuple(chosen), _on_fresh_seeds(contest))


def looked_again(contest: Contest) -> Iterator[Flaw]:
    """Seeds that were added to those first declared, and have not decided as they may, once."""
    judged = [(e, e.row.verdict) for e in contest.contestants if e.row.verdict]
    again = [e for e, verdict in judged if verdict.look > 1 and verdict.why != "decided"]
    if again:
        yield Flaw(
            f"{labels(again)}: seeds were added to those first declared",
            tuple(again),
            _on_fresh_seeds(contest),
        )


def too_few(contest: Contest) -> Iterator[Flaw]:
    """Fewer seeds than could decide anything; after a second look only fresh ones would."""
    entrants = contest.contestants
    if contest.one_seed_each:
        if more := beyond_one_seed(contest):
            settings = max(map(len, contest.families.values()))
            untuned = " and one learning rate" if settings == 1 else ""
            yield Flaw(f"one seed{untuned} each: no verdict", entrants, more.command)
        return
    verdicts = [entrant.row.verdict for entrant in entrants if entrant.row.verdict]
    short = [v for v in verdicts if v.why in ("one seed", "too few pairs") and v.look == 1]
    if short:
        few = min(verdict.n for verdict in short)
        needed = max(verdict.fewest_next for verdict in short)
        message = f"{few} seeds cannot reach a verdict, {needed} can"
        yield Flaw(message, entrants, train(entrants, extended(entrants, needed)))


def _is_selected(entrant: Entrant, contest: Contest) -> bool:
    if contest.search_of(entrant) is not None:  # that was on other seeds
        return False
    rivals = [other for other in contest.families[entrant.family] if other is not entrant]
    return any(entrant.finished_seeds & rival.finished_seeds for rival in rivals)


def _on_fresh_seeds(contest: Contest) -> str:
    """Compare the experiment that trained the contestants on seeds of its own, or train one.

    It takes as many seeds as were declared, and enough for a verdict on each contrast.
    """
    contestants = contest.contestants
    for folder in dict.fromkeys(run.path.parent for run in contestants[0].runs):
        if all(_is_fresh_in(folder, entrant, contest) for entrant in contestants):
            return compare(contest, [folder])
    declared = max(run.declared for e in contestants for run in e.runs)
    fewest = fewest_pairs(FIRST_ALPHA, max(len(contestants) - 1, 1))
    return train_fresh(contest, max(declared, fewest))


def _is_fresh_in(folder: Path, entrant: Entrant, contest: Contest) -> bool:
    """Whether the folder has all seeds of it that were declared there, and no rival has any."""
    inside = [run.result for run in entrant.runs if run.path.parent == folder]
    seeds = {result.seed for result in inside}
    rivals = [other for other in contest.families[entrant.family] if other is not entrant]
    is_whole = {result.declared_seeds for result in inside} == {len(seeds)}
    return is_whole and 0 not in seeds and not any(seeds & rival.seeds for rival in rivals)
