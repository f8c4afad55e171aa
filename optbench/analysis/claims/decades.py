"""Claims about how many decades of learning rates are nearly as good as the best."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from optbench.analysis.claims.bound import lies_beyond, missing_seeds, not_worse, within
from optbench.analysis.claims.judgement import DecadesGrounds
from optbench.analysis.interval import Estimate, t_interval
from optbench.analysis.looks import Look, look_at
from optbench.analysis.statistics.equivalence import equivalent
from optbench.analysis.statistics.lr_sensitivity import Decades, decades_within
from optbench.analysis.statistics.paired import paired_p
from optbench.analysis.statistics.power import fewest_pairs
from optbench.analysis.target import final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optbench.analysis.setting import Setting
    from optbench.config import claims

Losses = dict[int, dict[float, float]]  # by seed and learning rate; infinite where it diverged


def decades(
    claim: claims.Claim,
    ours: Sequence[Setting],
    theirs: Sequence[Setting],
    compared: Iterable[Setting],
    column: str,
) -> tuple[claims.Verdict, DecadesGrounds]:
    """The decades of each seed, within δ of that seed's best loss of all settings compared.

    Where a range ends at the grid's edge it may be wider than was seen, and a claim that would
    fail by that stays undecided. So does one whose seeds are missing.
    """
    delta = claim.within or 0.0
    best = {seed: min(row.values()) for seed, row in _losses(compared, column).items()}
    mine, other = _decades(ours, column, best, delta), _decades(theirs, column, best, delta)
    sides = ([run for setting in side for run in setting.runs] for side in (ours, theirs) if side)
    look = look_at(len(mine), *sides)
    missing = missing_seeds([*ours, *theirs])
    grounds = _grounds(delta, mine, other, look, missing)
    if missing or not mine or not look.is_allowed:
        return "undecided", grounds
    if claim.bound is not None:
        return _bound(claim, grounds), grounds
    return _difference(claim, grounds), grounds


def _bound(claim: claims.Claim, grounds: DecadesGrounds) -> claims.Verdict:
    ours = grounds.ours
    found = within(claim, ours.low, ours.high) if ours else "undecided"
    fails_if_wider = "supported" if claim.statement == "at_most" else "refuted"
    return "undecided" if grounds.ours_at_least and found == fails_if_wider else found


def _difference(claim: claims.Claim, grounds: DecadesGrounds) -> claims.Verdict:
    """More decades are better; a side that may be wider than seen can't be the narrower one."""
    found, p = grounds.difference, grounds.p
    if found is None or p is None:
        return "undecided"
    if claim.statement == "equivalent_to":
        return _equivalence(grounds, claim.margin or 0.0)
    if claim.statement == "not_worse_than":
        decision = not_worse(found, claim.margin or 0.0)
        may_be_wider = {"supported": grounds.theirs_at_least, "refuted": grounds.ours_at_least}
        return "undecided" if may_be_wider.get(decision) else decision
    narrower_may_be_wider = grounds.theirs_at_least if found.mean > 0 else grounds.ours_at_least
    if p > grounds.level or narrower_may_be_wider:
        return "undecided"
    return "supported" if (found.mean > 0) == (claim.statement == "better_than") else "refuted"


def _equivalence(grounds: DecadesGrounds, margin: float) -> claims.Verdict:
    """Only of ranges that end within their grids."""
    if grounds.ours_at_least or grounds.theirs_at_least:
        return "undecided"
    if equivalent(grounds.differences, margin).equivalent:
        return "supported"
    far = grounds.difference is not None and lies_beyond(grounds.difference, margin)
    return (
        "refuted" if far and grounds.p is not None and grounds.p <= grounds.level else "undecided"
    )


def _grounds(
    delta: float,
    mine: Mapping[int, Decades],
    other: Mapping[int, Decades],
    look: Look,
    missing: int,
) -> DecadesGrounds:
    confidence = 1 - look.alpha
    common = sorted(set(mine) & set(other))
    differences = tuple(mine[seed].decades - other[seed].decades for seed in common)
    return DecadesGrounds(
        within=delta,
        level=look.alpha,
        missing=missing,
        spent=not look.is_allowed,
        look=look.number,
        fewest=fewest_pairs(look.alpha),
        fewest_next=fewest_pairs(look.next_alpha),
        ours=_mean(mine, confidence),
        ours_at_least=any(found.at_least for found in mine.values()),
        theirs=_mean(other, confidence),
        theirs_at_least=any(found.at_least for found in other.values()),
        differences=differences,
        difference=t_interval(differences, confidence) if differences else None,
        p=paired_p(differences).p if differences else None,
    )


def _mean(found: Mapping[int, Decades], confidence: float) -> Estimate | None:
    return t_interval([one.decades for one in found.values()], confidence) if found else None


def _decades(
    settings: Iterable[Setting], column: str, best: Mapping[int, float], delta: float
) -> dict[int, Decades]:
    """Of every seed with at least two learning rates."""
    return {
        seed: decades_within(row, best[seed] + delta)
        for seed, row in sorted(_losses(settings, column).items())
        if len(row) > 1 and math.isfinite(best[seed])
    }


def _losses(settings: Iterable[Setting], column: str) -> Losses:
    """The least final loss at each learning rate, where other hyperparameters vary too."""
    losses: Losses = defaultdict(dict)
    for setting in settings:
        lr = setting.hyperparameters.get("lr")
        if not isinstance(lr, float | int) or lr <= 0:
            continue
        for run in (*setting.completed, *setting.diverged):
            value = final(run, column) if run.status == "completed" else None
            loss = value if value is not None and math.isfinite(value) else math.inf
            row = losses[run.result.seed]
            row[float(lr)] = min(loss, row.get(float(lr), math.inf))
    return losses
