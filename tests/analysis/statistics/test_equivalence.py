from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis.statistics.equivalence import equivalent
from optbench.analysis.statistics.paired import paired_p

SAMPLES = st.lists(st.floats(-1, 1), min_size=2, max_size=12).filter(
    lambda values: max(values) - min(values) > 1e-3
)


@given(SAMPLES, st.floats(0.01, 2))
def test_it_is_two_one_sided_t_tests_at_5_percent(d: list[float], margin: float) -> None:
    above = stats.ttest_1samp(d, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(d, margin, alternative="less").pvalue
    if abs(max(above, below) - 0.05) > 1e-9:  # there rounding decides
        assert equivalent(d, margin).equivalent == (max(above, below) < 0.05)


def test_better_and_equivalent_can_hold_at_once() -> None:
    d = [0.010, 0.011, 0.009, 0.012, 0.010, 0.008, 0.011, 0.010]
    assert paired_p(d).p <= 0.04
    assert equivalent(d, 0.05).equivalent


def test_no_difference_is_within_any_margin_and_none_within_a_margin_of_nothing() -> None:
    assert equivalent([0.0] * 6, 1e-9).equivalent
    assert not equivalent([0.0] * 6, 0.0).equivalent
    assert not equivalent([0.1] * 6, 0.1).equivalent


def test_one_pair_has_no_interval_and_shows_no_equivalence() -> None:
    found = equivalent([0.0], 1.0)
    assert (found.equivalent, found.low, found.high) == (False, None, None)


@pytest.mark.parametrize("bad", [[], [math.nan, 0.1], [math.inf, 0.1]])
def test_diverged_pairs_are_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="needs"):
        equivalent(bad, 1.0)
