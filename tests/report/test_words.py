from __future__ import annotations

import pytest

from optbench.analysis.interval import Estimate
from optbench.analysis.metric import Metric
from optbench.report import words

LOSS, ACCURACY = Metric("test_loss"), Metric("test_accuracy")


@pytest.mark.parametrize(
    ("metric", "estimate", "number", "bounds", "span"),
    [
        (LOSS, Estimate(3.1e-9, -1e-9, 7.2e-9, 8), "+3.10e-09", "[−1.00e-09, 7.20e-09]",
         "−1.00e-09 to +7.20e-09"),
        (ACCURACY, Estimate(2e-6, 1e-6, 3e-6, 8), "+0.0002", "[0.0001, 0.0003]",
         "0.0001 to 0.0003"),
        (LOSS, Estimate(0.0, 0.0, 0.0, 8), "0.000", "[0.000, 0.000]", "0.000 to 0.000"),
        (LOSS, Estimate(0.02, 0.01, 0.03, 8), "+0.020", "[0.010, 0.030]", "0.010 to 0.030"),
    ],
)  # fmt: skip
def test_a_difference_never_looks_like_the_0_that_it_is_not(
    metric: Metric, estimate: Estimate, number: str, bounds: str, span: str
) -> None:
    decimals = words.difference_decimals(metric, [estimate])
    assert words.signed_distance(metric, estimate, decimals) == number
    assert words.bounds(metric, estimate, decimals) == bounds
    assert words.span(metric, estimate) == span


def test_among_larger_ones_a_tiny_difference_is_not_0_either() -> None:
    tiny, usual = Estimate(3e-6, 2e-6, 4e-6, 8), Estimate(0.2, 0.1, 0.3, 8)
    decimals = min(words.difference_decimals(LOSS, [tiny, usual]), 3)
    assert words.signed_distance(LOSS, tiny, decimals) == "+3.00e-06"
    assert words.signed_distance(LOSS, usual, decimals) == "+0.200"
    assert words.distance(LOSS, 3e-9) == "3.00e-09"
