from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis.statistics.aggregate import (
    geometric_mean,
    interquartile_mean,
    optimality_gap,
    stratified_bootstrap,
)

SCORES = st.lists(st.floats(-100, 100), min_size=1, max_size=40)


@given(SCORES)
def test_the_interquartile_mean_is_the_trimmed_mean_that_rliable_takes(scores: list[float]) -> None:
    expected = stats.trim_mean(scores, 0.25)
    assert interquartile_mean(scores) == pytest.approx(expected, abs=1e-9)


def test_the_interquartile_mean_leaves_out_the_outer_quarters() -> None:
    assert interquartile_mean([1000, 2, 4, -1000]) == 3
    assert interquartile_mean([math.inf, 2, 4, -math.inf]) == 3
    assert interquartile_mean([5.0]) == 5


def test_the_optimality_gap_counts_only_what_falls_short() -> None:
    assert optimality_gap([0.5, 1.0, 3.0]) == pytest.approx(0.5 / 3)  # by hand
    assert optimality_gap([50.0], optimum=80.0) == 30


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=20))
def test_the_geometric_mean_is_scipys(values: list[float]) -> None:
    assert geometric_mean(values) == pytest.approx(stats.gmean(values))


def test_the_geometric_mean_has_its_limits() -> None:
    assert geometric_mean([0.0, 2.0]) == 0
    assert geometric_mean([math.inf, 2.0]) == math.inf
    assert geometric_mean([0.0, math.inf]) is None
    assert geometric_mean([]) is None


def test_fewer_than_ten_seeds_get_no_bootstrap_interval() -> None:
    found = stratified_bootstrap([[1.0] * 9, [3.0] * 9], statistics.fmean)
    assert (found.mean, found.low, found.high, found.n) == (2.0, None, None, 9)


def test_a_seed_is_drawn_for_all_problems_at_once() -> None:
    # What a seed gains in one problem it loses in the other: drawn jointly, nothing varies
    row = [float(seed) for seed in range(12)]
    found = stratified_bootstrap([row, [-value for value in row]], statistics.fmean)
    assert (found.low, found.mean, found.high) == (0.0, 0.0, 0.0)


def test_the_bootstrap_interval_is_scipys() -> None:
    row = np.random.default_rng(11).normal(size=30)
    theirs = stats.bootstrap(
        (row,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(1)
    ).confidence_interval
    found = stratified_bootstrap([row.tolist()], statistics.fmean, resamples=20_000)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert found == stratified_bootstrap([row.tolist()], statistics.fmean, resamples=20_000)


def test_problems_with_different_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="the same seeds"):
        stratified_bootstrap([[1.0, 2.0], [1.0]], statistics.fmean)
