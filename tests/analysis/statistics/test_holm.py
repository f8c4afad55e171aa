from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.analysis.statistics.holm import holm_adjusted, holm_levels, holm_rejected

PS = st.lists(st.floats(0, 1), max_size=8)


def test_the_worked_example_comes_out() -> None:
    assert holm_adjusted([0.01, 0.02, 0.03, 0.04]) == pytest.approx([0.04, 0.06, 0.06, 0.06])


def test_the_given_order_is_kept() -> None:
    # By hand: 3 × .01, then 2 × .02, then .3
    assert holm_adjusted([0.02, 0.3, 0.01]) == pytest.approx([0.04, 0.3, 0.03])


def test_the_levels_are_alpha_over_what_is_left() -> None:
    assert holm_levels([0.02, 0.03, 0.001], 0.06) == pytest.approx([0.03, 0.06, 0.02])
    assert holm_rejected([0.02, 0.03, 0.001], 0.06) == [True, True, True]


def test_nothing_is_rejected_after_the_first_that_fails() -> None:
    # .03 > .04/2 fails, so .035 isn't tested though .035 ≤ .04/1: it keeps the level that failed
    assert holm_levels([0.001, 0.035, 0.03], 0.04) == pytest.approx([0.04 / 3, 0.02, 0.02])
    assert holm_rejected([0.001, 0.035, 0.03], 0.04) == [True, False, False]


def test_one_comparison_has_no_correction_and_none_has_none() -> None:
    assert holm_levels([0.03], 0.04) == [0.04]
    assert holm_adjusted([]) == holm_levels([], 0.04) == []


def test_six_pairs_decide_one_comparison_but_not_two() -> None:
    assert holm_rejected([0.03125], 0.04) == [True]
    assert holm_rejected([0.03125, 0.03125], 0.04) == [False, False]


@given(PS, st.floats(0.001, 0.2))
def test_rejection_by_level_and_by_adjusted_p_agree(ps: list[float], alpha: float) -> None:
    near = [abs(p - alpha) < 1e-12 for p in holm_adjusted(ps)]  # there rounding decides
    if not any(near):
        assert holm_rejected(ps, alpha) == [p <= alpha for p in holm_adjusted(ps)]


@given(PS)
def test_each_p_keeps_its_own_value_when_the_order_changes(ps: list[float]) -> None:
    assert holm_adjusted(ps[::-1]) == holm_adjusted(ps)[::-1]


@given(PS)
def test_adjusted_p_is_never_smaller_and_keeps_the_ranking(ps: list[float]) -> None:
    adjusted = holm_adjusted(ps)
    assert all(p <= new <= 1 for p, new in zip(ps, adjusted, strict=True))
    ranked = [adjusted[i] for i in np.argsort(ps, kind="stable")]
    assert ranked == sorted(ranked)
