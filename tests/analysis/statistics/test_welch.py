from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis.interval import welch_interval
from optbench.analysis.statistics.welch import welch_t_p

SAMPLES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12).filter(
    lambda values: max(values) - min(values) > 1e-3
)


@given(SAMPLES, SAMPLES)
def test_the_p_is_scipys(a: list[float], b: list[float]) -> None:
    expected = stats.ttest_ind(a, b, equal_var=False).pvalue
    assert welch_t_p(a, b) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(SAMPLES, SAMPLES, st.sampled_from([0.04, 0.01]))
def test_it_is_within_a_level_where_the_interval_excludes_zero(
    a: list[float], b: list[float], level: float
) -> None:
    found = welch_interval(a, b, 1 - level)
    assert found.low is not None
    assert found.high is not None
    if abs(welch_t_p(a, b) - level) > 1e-9:  # there rounding decides
        assert (welch_t_p(a, b) < level) == (found.low > 0 or found.high < 0)


def test_without_spread_means_are_equal_or_not() -> None:
    assert welch_t_p([0.5, 0.5], [0.5, 0.5]) == 1
    assert welch_t_p([0.5, 0.5], [0.4, 0.4]) == 0
