"""Which claims can't be decided, whatever the runs will show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.analysis.looks import FIRST_ALPHA
from optbench.analysis.statistics.order import median_ranks
from optbench.analysis.statistics.power import fewest_pairs
from optbench.catalog.selectors import chosen, sides
from optbench.config.claims import BOUNDS, COMPARISONS, WITH_MARGIN
from optbench.config.node import Problems, child_key

if TYPE_CHECKING:
    from optbench.config.claims import Claim
    from optbench.config.spec import Experiment
    from optbench.errors import Problem


def undecidable(experiment: Experiment) -> tuple[Problem, ...]:
    """What keeps claims undecided whatever the runs will show, and what would change that.

    A claim that expects no more than that is left alone.
    """
    found = Problems()
    for claim in experiment.claims:
        if claim.verdict != "undecided":
            _note_seeds(claim, experiment, found)
            _note_validation(claim, experiment, found)
            _note_learning_rates(claim, experiment, found)
    return found.noted


def _note_seeds(claim: Claim, experiment: Experiment, found: Problems) -> None:
    seeds, fewest = len(experiment.seeds), _fewest_seeds(claim)
    if seeds >= fewest:
        return
    noun = "pair" if claim.statement in COMPARISONS else "seed"
    few = f"1 {noun}" if seeds == 1 else f"{seeds} {noun}s"
    key = child_key(claim.key, claim.statement)
    message = f"{few} cannot reach a verdict, {fewest} can"
    found.add_at_key(claim.node, claim.statement, key, message, f"seeds: {fewest}")


def _note_validation(claim: Claim, experiment: Experiment, found: Problems) -> None:
    if not claim.metric.startswith("val_"):
        return
    settings = [s for side in sides(claim) for s in chosen(claim, side, experiment)]
    parts = [part for s in settings for part in (s.dataset, s.fallback) if part is not None]
    if not all(part.get("validation") for part in parts):
        message = f"nothing is held out, so there is no {claim.metric}"
        node, remedy = claim.node.mapping["metric"], "dataset: {name: …, validation: N}"
        found.add(node, child_key(claim.key, "metric"), message, remedy)


def _note_learning_rates(claim: Claim, experiment: Experiment, found: Problems) -> None:
    for side in sides(claim) if claim.metric == "lr_decades" else ():
        rates = {repr(s.optimizer.get("lr")) for s in chosen(claim, side, experiment)}
        if len(rates) == 1:
            message = "a range of learning rates takes several, and here is one"
            node, remedy = claim.node.mapping[side], "lr: {logspace: [1e-4, 1e-1, 7]}"
            found.add(node, child_key(claim.key, side), message, remedy)


def _fewest_seeds(claim: Claim) -> int:
    """How many seeds of each setting can decide a claim of this kind."""
    if claim.metric == "state_bytes" or claim.statement == "diverges":
        return 1
    if claim.statement in (*BOUNDS, *WITH_MARGIN):
        return 2  # a t interval
    if claim.statement == "faster_than":
        return next(n for n in range(1, 100) if median_ranks(n, 1 - FIRST_ALPHA))
    return fewest_pairs(FIRST_ALPHA)
