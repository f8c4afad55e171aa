from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis.statistics.wilson import wilson

COUNTS = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(3, 3, 0.4385, 1.0), (7, 8, 0.5291, 0.9776), (8, 8, 0.6756, 1.0)],  # the statistics page
)
def test_the_worked_examples_come_out(successes: int, n: int, low: float, high: float) -> None:
    found = wilson(successes, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert (found.share, found.n) == (successes / n, n)


@given(COUNTS, st.sampled_from([0.9, 0.95, 0.99]))
def test_the_interval_is_scipys(counts: tuple[int, int], confidence: float) -> None:
    successes, n = counts
    theirs = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    found = wilson(successes, n, confidence)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(COUNTS)
def test_it_holds_the_share_and_stays_between_0_and_1(counts: tuple[int, int]) -> None:
    found = wilson(*counts)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.share <= found.high <= 1


def test_a_tie_counts_as_half_a_success() -> None:
    found = wilson(2.5, 5)
    assert found.share == 0.5
    assert found.low is not None
    assert found.high is not None
    assert found.low + found.high == pytest.approx(1)  # as symmetric as the half is


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 3), (4, 3), (float("nan"), 3)])
def test_what_is_no_share_is_refused(successes: float, n: int) -> None:
    with pytest.raises(ValueError, match="a share needs"):
        wilson(successes, n)
