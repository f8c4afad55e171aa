"""Seeds that are missing, doubled or diverged, or that can't be paired."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from optbench.analysis.audit.contest import Contest, Entrant, Flaw, labels, listed
from optbench.analysis.audit.grids import calmer
from optbench.analysis.audit.mending import grid, train
from optbench.analysis.pairing import pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optbench.store.stored_run import StoredRun


def missing(contest: Contest) -> Iterator[Flaw]:
    """Seeds that were declared, or that another contestant has, and that never finished."""
    shared = frozenset().union(*(entrant.seeds for entrant in contest.contestants))
    judged = {entrant.row.key for entrant in contest.contestants}
    lacking = {}
    for entrant in contest.entrants:
        wanted = shared if entrant.row.key in judged else entrant.seeds
        if lost := wanted - _present(entrant):
            lacking[entrant.row.key] = (entrant, wanted, lost)
    if not lacking:
        return
    entrants = tuple(entrant for entrant, _, _ in lacking.values())
    told = [
        f"{entrant.label} (seed{'s' if len(lost) > 1 else ''} {listed(map(str, sorted(lost)))})"
        for entrant, _, lost in lacking.values()
    ]
    seeds = frozenset().union(*(wanted for _, wanted, _ in lacking.values()))
    yield Flaw(f"seeds are missing: {listed(told, 3)}", entrants, train(entrants, seeds))


def _present(entrant: Entrant) -> frozenset[int]:
    """Seeds that have a result, will have one, or were given up by a tuner."""
    ended = {run.result.seed for run in entrant.runs if run.status in ("running", "pruned")}
    return entrant.finished_seeds | ended


def doubled(contest: Contest) -> Iterator[Flaw]:
    """Runs of one setting that are no replicates: the same seed, or the same start under two."""
    for entrant in contest.entrants:
        runs = _not_unique(entrant)
        if runs:
            seeds = listed(str(run.result.seed) for run in runs)
            yield Flaw(
                f"{entrant.label}: seeds {seeds} share initial weights and batch order",
                (entrant,),
                None,
                runs,
            )


def _not_unique(entrant: Entrant) -> tuple[StoredRun, ...]:
    starts = Counter(map(_start, entrant.runs))
    return tuple(run for run in entrant.runs if starts[_start(run)] > 1)


def _start(run: StoredRun) -> tuple[str, ...]:
    """What makes a replicate of its own; the seed where the hashes are not recorded."""
    hashes = run.result.hashes
    if hashes.initial_weights is None or hashes.batch_order is None:
        return (str(run.result.seed),)
    return hashes.initial_weights, hashes.batch_order


def diverged(contest: Contest) -> Iterator[Flaw]:
    """A contestant that lost seeds; the best of an optimizer does if all of its settings did."""
    for entrant in contest.contestants:
        lost = entrant.setting.diverged
        if not lost:
            continue
        seeds = listed(str(run.result.seed) for run in lost)
        yield Flaw(
            f"{entrant.label} diverged at {len(lost)} of {len(entrant.finished_seeds)} seeds "
            f"({seeds})",
            (entrant,),
            _gentler(entrant, contest),
            lost,
        )


def _gentler(entrant: Entrant, contest: Contest) -> str | None:
    """The same with learning rates below all that its optimizer was tried with."""
    members = contest.families[entrant.family]
    if entrant.lr is None or not all(member.setting.diverged for member in members):
        return None
    rates = [member.lr for member in members if member.lr is not None]
    lower = calmer(rates, str(entrant.config["optimizer"]["name"]))
    return train([entrant], entrant.seeds, changes=[grid("optimizer.lr", lower)])


def unpaired(contest: Contest) -> Iterator[Flaw]:
    """Common seeds at which two contestants did not start alike."""
    reference = contest.reference
    if reference is None:
        return
    apart = [e for e in contest.contestants if e is not reference and _apart(e, reference)]
    if apart:
        entrants = (*apart, reference)
        seeds = frozenset().union(*(entrant.seeds for entrant in entrants))
        yield Flaw(
            f"{labels(apart)}: other initial weights or batch order than {reference.label} "
            "at the same seeds",
            entrants,
            train(entrants, seeds, force=True),
        )


def _apart(entrant: Entrant, reference: Entrant) -> bool:
    ours, theirs = ([run for run in side.runs if run.finished] for side in (entrant, reference))
    common = entrant.finished_seeds & reference.finished_seeds
    return len(pairs(ours, theirs)) < len(common)
