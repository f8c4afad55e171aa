"""Weight decay on one side only, or of two kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.audit.contest import Contest, Entrant, Flaw, labels, listed
from optbench.analysis.audit.mending import grid, train

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# All others of the catalog add it to the gradient, unless an argument says otherwise.
_DECOUPLED = ("adamw", "adafactor", "muon", "reference.adamw", "reference.lion", "reference.muon")


def one_sided(contest: Contest) -> Iterator[Flaw]:
    """Some contestants decay their weights, others do not, and who could do both was not asked."""
    decaying = [entrant for entrant in contest.contestants if _decay(entrant)]
    others = [entrant for entrant in contest.contestants if not _decay(entrant)]
    if not decaying or not others:
        return
    able = [entrant for entrant in contest.contestants if _decay(entrant) is not None]
    unasked = [entrant for entrant in able if not _tried(entrant, contest)]
    if unasked:
        strengths = sorted({0.0, *(_decay(entrant) or 0 for entrant in decaying)})
        yield Flaw(
            f"weight decay on one side only: {_told(decaying)}, none of {labels(others)}",
            (*decaying, *others),
            _sweep(unasked, strengths),
        )


def of_two_kinds(contest: Contest) -> Iterator[Flaw]:
    """L2 regularization against decoupled decay, whose strengths were not tuned apart."""
    decaying = [entrant for entrant in contest.contestants if _decay(entrant)]
    decoupled = [entrant for entrant in decaying if _is_decoupled(entrant)]
    coupled = [entrant for entrant in decaying if not _is_decoupled(entrant)]
    unasked = [entrant for entrant in decaying if not _tried(entrant, contest)]
    if decoupled and coupled and unasked:
        highest = max(_decay(entrant) or 0 for entrant in decaying)
        yield Flaw(
            f"L2 regularization ({_told(coupled)}) against decoupled weight decay "
            f"({_told(decoupled)})",
            (*coupled, *decoupled),
            _sweep(unasked, [highest / 100, highest / 10, highest]),
        )


def _sweep(entrants: Sequence[Entrant], strengths: Sequence[float]) -> str:
    seeds = frozenset().union(*(entrant.seeds for entrant in entrants))
    return train(entrants, seeds, changes=[grid("optimizer.weight_decay", strengths)])


def _decay(entrant: Entrant) -> float | None:
    """None where the optimizer has no such argument."""
    decay = entrant.config["optimizer"].get("weight_decay")
    return float(decay) if isinstance(decay, int | float) else None


def _is_decoupled(entrant: Entrant) -> bool:
    optimizer = entrant.config["optimizer"]
    return optimizer["name"] in _DECOUPLED or bool(optimizer.get("decoupled_weight_decay"))


def _tried(entrant: Entrant, contest: Contest) -> bool:
    """Whether its optimizer was tried with several strengths."""
    search = contest.search_of(entrant)
    if search is not None:
        return search.varied("weight_decay")
    return len({_decay(member) for member in contest.families[entrant.family]}) > 1


def _told(entrants: Sequence[Entrant]) -> str:
    return listed(f"{_decay(entrant):g} of {entrant.label}" for entrant in entrants)
