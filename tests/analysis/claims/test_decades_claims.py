from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from judged_claims import judged
from stored_runs import ADAM, SGD, make_rows, write_run

from optbench.analysis.claims.judgement import DecadesGrounds, Judgement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

THAN_SGD = "{optimizer: sgd}"
# With the threshold .6 the lower end is a fifth of the way from .5 to 1 and the upper one a
# fifteenth from .5 to 2, in decades: .2 + .0667.
PEAKED = {1e-3: 1.0, 1e-2: 0.5, 1e-1: 2.0}
# .8 + .8 of a decade below .6, as .625 is .125 above the best.
WIDE = {1e-3: 0.625, 1e-2: 0.5, 1e-1: 0.625}


def store(
    root: Path,
    optimizer: Mapping[str, object],
    losses: Mapping[float, float | None],
    *,
    seeds: int = 6,
    jitter: Sequence[float] = (0.0,),
    declared: Sequence[int] = (),
    **changes: object,
) -> None:
    """A run a seed and learning rate; None diverged. `jitter` scales each seed's excess over .5."""
    for lr, loss in losses.items():
        for seed in range(seeds):
            end = 2.3 if loss is None else 0.5 + (loss - 0.5) * (1 + jitter[seed % len(jitter)])
            write_run(
                root,
                make_rows([0.1, 0.5], train_loss=[2.3, end]),
                optimizer={**optimizer, "lr": lr, **changes},
                seed=seed,
                status="diverged" if loss is None else "completed",
                declared_seeds=declared[seed] if declared else seeds,
            )


def found(root: Path, statement: str) -> Judgement:
    return judged(root, f"within: 0.1, {statement}", "lr_decades")


def grounds(judgement: Judgement) -> DecadesGrounds:
    assert isinstance(judgement.grounds, DecadesGrounds)
    return judgement.grounds


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("at_least: 0.26", "supported"),
        ("at_least: 0.27", "refuted"),
        ("at_most: 0.27", "supported"),
        ("at_most: 0.26", "refuted"),
    ],
)
def test_decades_around_the_best_learning_rate_are_counted_seed_by_seed(
    tmp_path: Path, statement: str, verdict: str
) -> None:
    store(tmp_path, ADAM, PEAKED)
    judgement = found(tmp_path, statement)
    assert judgement.found == verdict
    ours = grounds(judgement).ours
    assert ours is not None
    assert ours.mean == pytest.approx(0.2 + 1 / 15)
    assert ours.n == 6


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("at_least: 0.5", "supported"),  # as it is wider still
        ("at_least: 1.5", "undecided"),  # as it may be
        ("at_most: 1.5", "undecided"),
        ("at_most: 0.5", "refuted"),
    ],
)
def test_a_range_that_ends_at_the_grids_edge_may_be_wider(
    tmp_path: Path, statement: str, verdict: str
) -> None:
    store(tmp_path, ADAM, {1e-3: 0.5, 1e-2: 0.5, 1e-1: 2.0})  # 1 + .0667 decades
    judgement = found(tmp_path, statement)
    assert judgement.found == verdict
    assert grounds(judgement).ours_at_least


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("better_than: {than}", "supported"),
        ("worse_than: {than}", "refuted"),
        ("equivalent_to: {than}, margin: 2", "supported"),
        ("equivalent_to: {than}, margin: 1", "refuted"),  # they are 1.333 apart
        ("not_worse_than: {than}, margin: 0.1", "supported"),
    ],
)
def test_more_decades_are_better(tmp_path: Path, statement: str, verdict: str) -> None:
    store(tmp_path, ADAM, WIDE_BELOW)
    store(tmp_path, SGD, PEAKED)
    judgement = found(tmp_path, statement.replace("{than}", THAN_SGD))
    assert judgement.found == verdict
    difference = grounds(judgement).difference
    assert difference is not None
    assert difference.mean == pytest.approx(1.6 - 0.2 - 1 / 15)


WIDE_BELOW = {1e-4: 2.0, **WIDE, 1.0: 2.0}


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ({1e-3: 0.5, 1e-2: 0.5, 1e-1: 0.5}, PEAKED, "supported"),
        (PEAKED, {1e-3: 0.5, 1e-2: 0.5, 1e-1: 0.5}, "refuted"),
        # Theirs is the narrower one so far, but may be wider than was seen.
        (WIDE_BELOW, {1e-3: 0.5, 1e-2: 2.0}, "undecided"),
    ],
)
def test_the_narrower_range_has_to_end_within_its_grid(
    tmp_path: Path, ours: Mapping[float, float], theirs: Mapping[float, float], verdict: str
) -> None:
    store(tmp_path, ADAM, ours)
    store(tmp_path, SGD, theirs)
    assert found(tmp_path, f"better_than: {THAN_SGD}").found == verdict


@pytest.mark.parametrize(
    ("seeds", "declared", "verdict"),
    [
        (5, [5] * 5, "undecided"),  # 2/2^5 is more than .04
        (6, [6] * 6, "supported"),  # 2/2^6 is not
        (6, [5] * 5 + [6], "undecided"),  # after an extension .01 is needed
        (8, [5] * 5 + [8] * 3, "supported"),  # 2/2^8
        (8, [5] * 5 + [6, 7, 8], "undecided"),  # extended too often
        (6, [7] * 6, "undecided"),  # one is missing
    ],
)
def test_as_many_pairs_are_needed_as_for_any_verdict(
    tmp_path: Path, seeds: int, declared: Sequence[int], verdict: str
) -> None:
    jitter = [0.01 * seed for seed in range(seeds)]
    for optimizer, losses in ((ADAM, WIDE_BELOW), (SGD, PEAKED)):
        store(tmp_path, optimizer, losses, seeds=seeds, jitter=jitter, declared=declared)
    assert found(tmp_path, f"better_than: {THAN_SGD}").found == verdict


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        (PEAKED, WIDE_BELOW, "refuted"),  # 1.333 narrower
        (PEAKED, {1e-3: 0.5, 1e-2: 0.5, 1e-1: 2.0}, "refuted"),  # .8 narrower, or more
        ({1e-3: 0.5, 1e-2: 0.5, 1e-1: 2.0}, WIDE_BELOW, "undecided"),  # .533 narrower, or less
        (WIDE_BELOW, {1e-3: 0.5, 1e-2: 0.5, 1e-1: 2.0}, "undecided"),
    ],
)
def test_a_range_is_not_narrower_only_where_the_other_ends_within_its_grid(
    tmp_path: Path, ours: Mapping[float, float], theirs: Mapping[float, float], verdict: str
) -> None:
    store(tmp_path, ADAM, ours)
    store(tmp_path, SGD, theirs)
    assert found(tmp_path, f"not_worse_than: {THAN_SGD}, margin: 0.1").found == verdict


def test_ranges_that_may_be_wider_are_not_known_to_be_equivalent(tmp_path: Path) -> None:
    for optimizer in (ADAM, SGD):
        store(tmp_path, optimizer, {1e-3: 0.5, 1e-2: 0.5, 1e-1: 2.0})
    assert found(tmp_path, f"equivalent_to: {THAN_SGD}, margin: 1").found == "undecided"


def test_the_threshold_is_above_the_best_of_all_settings(tmp_path: Path) -> None:
    store(tmp_path, ADAM, PEAKED)
    store(tmp_path, SGD, {1e-3: 0.1, 1e-2: 0.2})
    ours = grounds(found(tmp_path, "at_least: 0.1")).ours
    assert ours is not None
    assert ours.mean == 0  # .5 is more than .1 above .1


def test_the_range_never_goes_into_a_diverged_learning_rate(tmp_path: Path) -> None:
    store(tmp_path, ADAM, {1e-3: 1.0, 1e-2: 0.5, 1e-1: None})
    ours = grounds(found(tmp_path, "at_least: 0.1")).ours
    assert ours is not None
    assert ours.mean == pytest.approx(0.2)


def test_the_best_of_other_hyperparameters_counts_at_each_learning_rate(tmp_path: Path) -> None:
    store(tmp_path, ADAM, PEAKED)
    store(tmp_path, ADAM, {lr: loss + 1 for lr, loss in PEAKED.items()}, eps=1.0)
    ours = grounds(found(tmp_path, "at_least: 0.1")).ours
    assert ours is not None
    assert ours.mean == pytest.approx(0.2 + 1 / 15)


def test_one_learning_rate_is_no_range(tmp_path: Path) -> None:
    store(tmp_path, ADAM, {1e-3: 0.5})
    judgement = found(tmp_path, "at_least: 0.1")
    assert (judgement.found, grounds(judgement).ours) == ("undecided", None)


def test_where_every_run_diverged_there_is_no_best_loss(tmp_path: Path) -> None:
    store(tmp_path, ADAM, {1e-3: None, 1e-2: None})
    assert found(tmp_path, "at_least: 0.1").found == "undecided"
    assert not math.isnan(grounds(found(tmp_path, "at_least: 0.1")).within)
