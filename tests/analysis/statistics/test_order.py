from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis.statistics.order import median_interval, median_ranks, sign_test_p

INF = math.inf


def test_the_ranks_are_those_of_the_statistics_page() -> None:
    assert [median_ranks(n) for n in (6, 8, 10, 20)] == [(1, 6), (1, 8), (2, 9), (6, 15)]


def test_fewer_than_six_values_bound_no_median() -> None:
    assert [median_ranks(n) for n in range(6)] == [None] * 6
    assert median_ranks(6, 0.99) is None


@given(st.integers(6, 200), st.sampled_from([0.9, 0.95, 0.96, 0.99]))
def test_the_ranks_cover_the_median_and_the_next_inner_ones_do_not(
    n: int, confidence: float
) -> None:
    def coverage(rank: int) -> float:  # P(rank ≤ number below the median < n + 1 − rank)
        return float(1 - 2 * stats.binom.cdf(rank - 1, n, 0.5))

    ranks = median_ranks(n, confidence)
    rank = ranks[0] if ranks else 0
    assert ranks is None or (coverage(rank) >= confidence and ranks[1] == n + 1 - rank)
    assert coverage(rank + 1) < confidence


@given(st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=60))
def test_the_interval_is_scipys(values: list[float]) -> None:
    theirs = stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    found = median_interval(values)
    assert (found.low, found.high) == (theirs.low, theirs.high)


def test_a_median_may_be_infinite() -> None:
    assert median_interval([1.0, INF, INF]).median == INF
    assert median_interval([1.0, 2.0, INF]).median == 2.0
    assert median_interval([1.0, INF]).median == INF
    assert median_interval([INF] * 6).low == INF
    found = median_interval([1, 2, 3, 4, 5, INF])
    assert (found.median, found.low, found.high, found.n) == (3.5, 1, INF, 6)


def test_between_minus_infinity_and_infinity_the_median_is_zero() -> None:
    assert median_interval([-INF, -INF, INF, INF]).median == 0


def test_one_value_is_its_own_median_without_an_interval() -> None:
    found = median_interval([0.3])
    assert (found.median, found.low, found.high, found.n) == (0.3, None, None, 1)


@pytest.mark.parametrize("bad", [[], [1.0, math.nan]])
def test_what_has_no_order_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="a median needs values"):
        median_interval(bad)


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_sign_test_is_scipys(wins: int, losses: int) -> None:
    n = wins + losses
    expected = stats.binomtest(wins, n).pvalue if n else 1.0
    assert sign_test_p(wins, losses) == pytest.approx(expected)


def test_six_wins_decide_and_five_do_not() -> None:
    assert sign_test_p(6, 0) == sign_test_p(0, 6) == 0.03125
    assert sign_test_p(5, 0) == 0.0625
    assert sign_test_p(0, 0) == 1
