from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis.interval import t_interval, welch_interval

D = [0.3, 0.1, 0.2, 0.5, 0.4, -0.1, 0.2, 0.6]  # the worked example of the statistics page
SAMPLES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30).filter(
    lambda values: max(values) - min(values) > 1e-6
)


def test_the_worked_example_comes_out() -> None:
    found = t_interval(D)
    assert found.mean == pytest.approx(0.275)
    assert found.low == pytest.approx(0.0867, abs=5e-5)
    assert found.high == pytest.approx(0.4633, abs=5e-5)
    assert found.n == 8


def test_another_confidence_gives_its_own_interval() -> None:
    found = t_interval(D, confidence=0.96)
    assert (found.low, found.high) == pytest.approx((0.0746, 0.4754), abs=5e-5)


@given(SAMPLES)
def test_the_t_interval_is_scipys(values: list[float]) -> None:
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = t_interval(values)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)


@given(SAMPLES, SAMPLES)
def test_the_welch_interval_is_scipys(a: list[float], b: list[float]) -> None:
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    found = welch_interval(a, b)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_equal_values_have_an_interval_of_no_width(value: float) -> None:
    found = t_interval([value] * 6)
    assert (found.mean, found.low, found.high) == (value, value, value)
    assert welch_interval([value] * 3, [value] * 4).margin == 0


def test_one_value_has_a_mean_and_no_interval() -> None:
    for found in (t_interval([0.5]), welch_interval([0.75, 0.8], [0.25])):
        assert (found.low, found.high, found.margin) == (None, None, None)
        assert found.n == 1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_has_neither(bad: float) -> None:
    for found in (t_interval([0.1, bad]), welch_interval([0.1, bad], [0.1, 0.2])):
        assert math.isnan(found.mean)
        assert found.low is None


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_values_whose_squares_no_number_holds_have_their_interval(unit: float) -> None:
    a, b = [1.0, 2.0, 3.5], [2.5, 4.0, 5.0, 3.0]
    far_a, far_b = ([value * unit for value in sample] for sample in (a, b))
    for found, expected in (
        (t_interval(far_a), t_interval(a)),
        (welch_interval(far_a, far_b), welch_interval(a, b)),
    ):
        assert found.low is not None
        assert expected.low is not None
        assert found.low / unit == pytest.approx(expected.low)
