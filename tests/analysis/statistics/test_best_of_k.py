from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.analysis.statistics.best_of_k import (
    Trials,
    crossing,
    expected_best,
    tuning_curve,
)

VALUES = st.lists(st.integers(0, 1000), min_size=1, max_size=7, unique=True)


def search(values: list[float], *, higher_is_better: bool = True) -> Trials:
    """A search whose test values are its validation values."""
    return Trials(tuple(values), tuple(values), higher_is_better)


@given(VALUES, st.data())
def test_it_is_the_mean_over_all_choices_of_k_trials(
    values: list[int], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(values)))
    test = [(value * 7919) % 1000 / 10 for value in values]  # another order than validation's
    trials = Trials(tuple(values), tuple(test), higher_is_better=True)
    picked = [
        test[max(choice, key=values.__getitem__)] for choice in combinations(range(len(values)), k)
    ]
    assert expected_best(trials, k) == pytest.approx(np.mean(picked))


def test_one_trial_is_worth_the_mean_and_all_of_them_the_best() -> None:
    assert expected_best(search([1, 2, 6]), 1) == 3
    assert expected_best(search([1, 2, 6]), 3) == 6
    assert expected_best(search([1, 2, 6], higher_is_better=False), 3) == 1
    assert expected_best(search([1, 2, 6]), 2) == pytest.approx((2 + 6 + 6) / 3)  # by hand


def test_a_diverged_trial_is_the_worst_and_is_kept() -> None:
    trials = Trials((math.inf, 0.2, 0.4), (2.3, 0.25, 0.45), higher_is_better=False)
    assert expected_best(trials, 1) == pytest.approx((2.3 + 0.25 + 0.45) / 3)
    assert expected_best(trials, 2) == pytest.approx((0.25 + 0.25 + 0.45) / 3)


@pytest.mark.parametrize("k", [0, 4, -1])
def test_more_trials_than_there_are_have_no_estimate(k: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 3"):
        expected_best(search([1, 2, 3]), k)


@pytest.mark.parametrize(
    ("validation", "test"),
    [((), ()), ((1.0,), ()), ((math.nan,), (1.0,)), ((1.0,), (math.inf,)), ((1.0,), (math.nan,))],
)
def test_what_is_no_search_is_refused(
    validation: tuple[float, ...], test: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match="trial"):
        Trials(validation, test, higher_is_better=True)


def test_the_bootstrap_is_trusted_to_a_quarter_of_the_trials_only() -> None:
    curve = tuning_curve(search(np.random.default_rng(2).random(22).tolist()))
    assert [point.k for point in curve] == list(range(1, 23))
    assert [point.band for point in curve] == ["bootstrap"] * 5 + ["median"] * 17


def test_beyond_it_a_bound_is_known_on_one_side_only() -> None:
    values = np.random.default_rng(2).random(22).tolist()
    better = tuning_curve(search(values))[5:]
    assert all(point.high is None and point.low is not None for point in better)
    worse = tuning_curve(search(values, higher_is_better=False))[5:]
    assert all(point.low is None and point.high is not None for point in worse)


def test_three_trials_bound_no_best_of_one() -> None:
    point = tuning_curve(search([0.1, 0.2, 0.3]))[0]
    assert (point.k, point.low, point.high, point.band) == (1, None, None, "median")


def test_the_median_bound_is_reached_in_95_percent_of_searches() -> None:
    draw, k, n = np.random.default_rng(4), 8, 20
    median = 0.5 ** (1 / k)  # of the best of k uniform trials
    searches = draw.random((400, n)).tolist()
    lows = [tuning_curve(search(values), resamples=10)[k - 1].low for values in searches]
    held = sum(low is not None and low <= median for low in lows)
    assert held >= 400 * 0.95 - 3 * math.sqrt(400 * 0.95 * 0.05)


def test_the_bootstrap_band_of_one_trial_is_that_of_the_mean() -> None:
    values = np.random.default_rng(8).normal(size=200)
    point = tuning_curve(search(values.tolist()))[0]
    assert point.low is not None
    assert point.high is not None
    error = values.std(ddof=1) / math.sqrt(200)
    assert point.high - point.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_a_crossing_is_named_where_both_sides_are_certain() -> None:
    draw = np.random.default_rng(1)
    steady = search((0.80 + 0.01 * draw.random(200)).tolist())
    gambler = search(np.where(draw.random(200) < 0.2, 0.95, 0.3).tolist())
    found = crossing(steady, gambler)
    assert found is not None
    # By hand: the gambler expects .95 − .65·.8^k, above .805 from k = 7 on
    assert found.before < 7 <= found.after
    assert found.a_first
    turned = crossing(gambler, steady)
    assert turned is not None
    assert not turned.a_first


def test_lower_is_better_turns_the_sides() -> None:
    draw = np.random.default_rng(1)
    steady = search((0.20 - 0.01 * draw.random(200)).tolist(), higher_is_better=False)
    gambler = search(np.where(draw.random(200) < 0.2, 0.05, 0.7).tolist(), higher_is_better=False)
    found = crossing(steady, gambler)
    assert found is not None
    assert found.a_first


def test_nothing_crosses_where_nothing_differs_or_trials_are_few() -> None:
    values = np.random.default_rng(3).random(40).tolist()
    assert crossing(search(values), search(values)) is None
    assert crossing(search([0.1, 0.2, 0.3]), search([0.3, 0.1, 0.2])) is None
