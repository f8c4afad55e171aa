from __future__ import annotations

import math

import pytest

from optbench.report import numbers


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (numbers.percent(0.975), "97.5%"),
        (numbers.percent(math.nan), "nan"),
        (numbers.loss(0.0712), "0.071"),
        (numbers.loss(3.1e-5), "3.10e-05"),
        (numbers.loss(-3.1e-5), "−3.10e-05"),
        (numbers.loss(1234.5), "1.23e+03"),
        (numbers.loss(0.0), "0.000"),
        (numbers.loss(math.inf), "∞"),
        (numbers.scientific(618_220.554, sign=True), "+6.18e+05"),
        (numbers.scientific(-618_220.554, sign=True), "−6.18e+05"),
        (numbers.scientific(0.0, sign=True), "0.00e+00"),
        (numbers.scientific(-math.inf), "−∞"),
        (numbers.signed(6.04, 1), "+6.0"),
        (numbers.signed(-0.1, 2), "−0.10"),
        (numbers.signed(-0.001, 1), "0.0"),
        (numbers.plain(-5.9, 1), "−5.9"),
        (numbers.plain(-0.04, 1), "0.0"),
        (numbers.factor(2.04), "2"),
        (numbers.factor(2.44), "2.4"),
        (numbers.factor(1234.5), "1,234"),
        (numbers.ratio(0.12345), "0.123"),
        (numbers.ratio(1.2e-5), "1.20e-05"),
        (numbers.compact(1876.0), "1,876"),
        (numbers.compact(0.106), "0.106"),
        (numbers.compact(math.inf), "never"),
        (numbers.duration(6.14), "6.1 s"),
        (numbers.duration(59.9), "60 s"),
        (numbers.duration(252), "4 min 12 s"),
        (numbers.duration(7500), "2 h 5 min"),
    ],
)
def test_numbers_look_like_this(shown: str, text: str) -> None:
    assert shown == text


@pytest.mark.parametrize(
    ("margin", "decimals"), [(0.2, 1), (0.05, 1), (0.04, 2), (0.0, 1), (None, 1)]
)
def test_a_margin_keeps_a_digit_that_is_not_zero(margin: float | None, decimals: int) -> None:
    assert numbers.decimals_for(margin, 1, 2) == decimals
    assert margin is None or not margin or float(f"{margin:.{decimals}f}") > 0
