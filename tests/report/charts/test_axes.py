from __future__ import annotations

import pytest

from optbench.analysis.metric import Metric
from optbench.report.charts.axes import epoch_ticks, limits, log_ticks, loss_axis, metric_axis
from optbench.report.charts.pen import Canvas

PAPER = Canvas(frozenset(), interactive=False, log=True)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.04, 1.1, [0.05, 0.1, 0.2, 0.5, 1.0]),
        (0.09, 0.31, [0.1, 0.2, 0.3]),
        (0.79, 1.01, [0.8, 0.85, 0.9, 0.95, 1.0]),
        (0.005, 2000, [0.01, 0.1, 1, 10, 100, 1000]),
        (0.1, 1e30, [1, 1e4, 1e8, 1e12, 1e16, 1e20, 1e24, 1e28]),
    ],
)
def test_log_ticks_are_round_and_at_least_three(
    low: float, high: float, ticks: list[float]
) -> None:
    assert log_ticks(low, high) == ticks


@pytest.mark.parametrize(
    ("epochs", "ticks"),
    [
        ([1, 2], [1, 2]),
        ([1, 5], [1, 2, 3, 4, 5]),
        ([1, 30], [5, 10, 15, 20, 25, 30]),
        ([0.1, 0.9], None),
        ([], None),
    ],
)
def test_epoch_ticks_are_whole(epochs: list[float], ticks: list[float] | None) -> None:
    assert epoch_ticks(epochs) == ticks


def test_a_band_wider_than_the_curves_leaves_the_panel() -> None:
    # Means span 0.4: a quarter and the margin of 0.016 beyond them on both sides.
    shown = [(0.5, -3.0, 9.0), (0.9, 0.8, 1.0)]
    assert limits(shown) == pytest.approx((0.5 - 0.116, 0.9 + 0.116))


def test_limits_of_a_log_axis_are_positive() -> None:
    low, high = limits([(0.5, -3.0, 9.0), (0.1, 0.05, 0.2)], log=True)
    assert 0 < low < 0.1
    assert high > 0.5


def test_an_accuracy_is_in_percent_and_ends_at_100() -> None:
    axis = metric_axis(PAPER, Metric("test_accuracy"), "accuracy", [(0.5, None, None), (1, 0, 2)])
    assert axis.title == "accuracy (%)"
    assert axis.ends is not None
    assert axis.ends[1] == 100
    assert not axis.follows


def test_a_loss_of_zero_has_no_log_scale() -> None:
    assert loss_axis(PAPER, "loss", [(0.5, None, None), (0.1, None, None)]).follows
    zero = loss_axis(PAPER, "loss", [(0.5, None, None), (0.0, None, None)])
    assert (zero.follows, zero.title) == (False, "loss")


def test_what_never_had_a_value_has_an_axis_without_ends() -> None:
    encoding = loss_axis(PAPER, "loss", []).encoding("mean")
    assert "domain" not in encoding["scale"]
