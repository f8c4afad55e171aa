from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import scipy.stats
from judged_claims import judged
from stored_runs import ADAM, SGD, make_rows, write_run, write_seeds
from verdict_runs import BASE, store

from optbench.analysis.claims.judgement import BoundGrounds, BytesGrounds, DivergenceGrounds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def interval(values: Sequence[float], confidence: float) -> tuple[float, float]:
    found = scipy.stats.t.interval(
        confidence, len(values) - 1, scipy.stats.tmean(values), scipy.stats.sem(values)
    )
    return float(found[0]), float(found[1])


@pytest.mark.parametrize(("declared", "confidence"), [([8] * 8, 0.96), ([5] * 5 + [8] * 3, 0.99)])
def test_a_bound_is_settled_where_the_whole_interval_lies_on_one_side(
    tmp_path: Path, declared: Sequence[int], confidence: float
) -> None:
    store(tmp_path, ADAM, BASE, declared=declared)
    low, high = interval(BASE, confidence)
    tiny = 1e-9
    for bound, at_least, at_most in [
        (low - tiny, "supported", "refuted"),
        (low + tiny, "undecided", "undecided"),
        (high - tiny, "undecided", "undecided"),
        (high + tiny, "refuted", "supported"),
    ]:
        assert judged(tmp_path, f"at_least: {bound!r}").found == at_least
        assert judged(tmp_path, f"at_most: {bound!r}").found == at_most
    grounds = judged(tmp_path, "at_least: 0.5").grounds
    assert isinstance(grounds, BoundGrounds)
    assert grounds.level == pytest.approx(1 - confidence)


def test_one_seed_settles_no_bound_and_two_may(tmp_path: Path) -> None:
    write_seeds(tmp_path / "one", [0.9])
    assert judged(tmp_path / "one", "at_least: 0.1").found == "undecided"
    write_seeds(tmp_path / "two", [0.9, 0.9])
    assert judged(tmp_path / "two", "at_least: 0.1").found == "supported"


@pytest.mark.parametrize("case", ["diverged", "missing", "failed", "third look", "unmeasured"])
def test_nothing_is_concluded_from_what_is_left_of_the_seeds(tmp_path: Path, case: str) -> None:
    declared = {"missing": [9] * 8, "third look": [5] * 5 + [6, 7, 8]}.get(case, [8] * 8)
    finals = [None, *BASE[1:]] if case == "diverged" else BASE
    if case == "failed":
        store(tmp_path, ADAM, finals[1:], declared=declared)
        write_run(tmp_path, (), seed=7, status="failed", declared_seeds=8, experiment="adam None")
    else:
        store(tmp_path, ADAM, finals, declared=declared)
    metric = "val_accuracy" if case == "unmeasured" else "test_accuracy"
    assert judged(tmp_path, "at_least: 0.1", metric).found == "undecided"


@pytest.mark.parametrize(
    ("finals", "declared", "always", "never"),
    [
        ([None, None, None], 3, "supported", "refuted"),
        ([0.9, 0.9, 0.9], 3, "refuted", "supported"),
        ([None, 0.9, 0.9], 3, "refuted", "refuted"),
        ([None, None], 3, "undecided", "refuted"),
        ([0.9, 0.9], 3, "refuted", "undecided"),
    ],
)
def test_a_setting_diverges_at_every_seed_or_at_none(
    tmp_path: Path, finals: list[float | None], declared: int, always: str, never: str
) -> None:
    store(tmp_path, ADAM, finals, declared=[declared] * len(finals))
    assert judged(tmp_path, "diverges: true", "").found == always
    judgement = judged(tmp_path, "diverges: false", "")
    assert judgement.found == never
    assert isinstance(judgement.grounds, DivergenceGrounds)
    assert judgement.grounds.missing == declared - len(finals)


def test_where_nothing_has_finished_nothing_is_known_of_divergence(tmp_path: Path) -> None:
    write_run(tmp_path, (), status="failed")
    assert judged(tmp_path, "diverges: true", "").found == "undecided"
    assert judged(tmp_path, "diverges: false", "").found == "undecided"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("at_most: 8", "supported"),
        ("at_least: 8", "supported"),
        ("at_most: 7.99", "refuted"),
        ("worse_than: {optimizer: sgd}", "supported"),
        ("better_than: {optimizer: sgd}", "refuted"),
        ("equivalent_to: {optimizer: sgd}, margin: 8", "supported"),
        ("equivalent_to: {optimizer: sgd}, margin: 7.9", "refuted"),
        ("not_worse_than: {optimizer: sgd}, margin: 8", "supported"),
        ("not_worse_than: {optimizer: sgd}, margin: 7.9", "refuted"),
    ],
)
def test_one_seed_tells_how_many_bytes_an_optimizer_keeps(
    tmp_path: Path, statement: str, found: str
) -> None:
    write_seeds(tmp_path, [0.9], optimizer=ADAM, state_bytes_per_parameter=8.0)
    write_seeds(tmp_path, [0.9], optimizer=SGD, state_bytes_per_parameter=0.0)
    assert judged(tmp_path, statement, "state_bytes").found == found


def test_what_is_claimed_of_bytes_has_to_hold_for_every_setting(tmp_path: Path) -> None:
    for lr, size in ((0.1, 8.0), (0.2, 12.0)):
        write_seeds(tmp_path, [0.9], optimizer=ADAM | {"lr": lr}, state_bytes_per_parameter=size)
    assert judged(tmp_path, "at_most: 12", "state_bytes").found == "supported"
    assert judged(tmp_path, "at_most: 8", "state_bytes").found == "refuted"


def test_runs_that_recorded_no_bytes_tell_nothing(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.9]), state_bytes_per_parameter=None)
    judgement = judged(tmp_path, "at_most: 8", "state_bytes")
    assert (judgement.found, judgement.grounds) == ("undecided", BytesGrounds(None, None))
