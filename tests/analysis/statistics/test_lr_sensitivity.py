from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.analysis.statistics.lr_sensitivity import decades_within, lr_sensitivity

INF = math.inf


def sensitivity(losses: dict[float, list[float]], start: float = 2.3) -> float:
    initial = {lr: [start] * len(row) for lr, row in losses.items()}
    found = lr_sensitivity(losses, initial)
    assert found is not None
    return found.excess.mean


def test_on_an_even_grid_it_is_the_mean_loss_above_the_best() -> None:
    losses = {1e-3: [0.5], 1e-2: [0.2], 1e-1: [0.8]}
    assert sensitivity(losses) == pytest.approx(1.5 / 3 - 0.2)  # by hand


def test_on_an_uneven_grid_each_interval_counts_by_its_width() -> None:
    losses = {1e-4: [0.4], 1e-2: [0.2], 1e-1: [0.8]}
    # By hand, trapezoids: 2 decades at .3, one at .5; the best is .2
    assert sensitivity(losses) == pytest.approx((2 * 0.3 + 0.5) / 3 - 0.2)


def test_a_diverged_run_counts_as_its_untrained_model() -> None:
    assert sensitivity({1e-2: [0.3], 1e-1: [INF]}) == pytest.approx((0.3 + 2.3) / 2 - 0.3)
    assert sensitivity({1e-2: [0.3], 1e-1: [50.0]}) == pytest.approx((0.3 + 2.3) / 2 - 0.3)


def test_each_seeds_best_is_chosen_on_the_other_seeds() -> None:
    losses = {1e-2: [0.1, 0.4, 0.4], 1e-1: [0.4, 0.2, 0.1]}
    # By hand: without seed 0 .1 is best (its own loss there .4); without seed 1 sums are .5 and
    # .5, the first: .4; without seed 2 sums .5 and .6: .4. Means over the grid .25, .3, .25.
    assert sensitivity(losses) == pytest.approx(((0.25 - 0.4) + (0.3 - 0.4) + (0.25 - 0.4)) / 3)
    found = lr_sensitivity(losses, {lr: [2.3] * 3 for lr in losses})
    assert found is not None
    assert found.best.mean == pytest.approx(0.4)
    assert found.best_lr == 1e-1


def test_the_order_of_the_learning_rates_changes_nothing() -> None:
    losses = {1e-2: [0.2], 1e-4: [0.4], 1e-1: [0.8]}
    assert sensitivity(losses) == sensitivity(dict(sorted(losses.items())))


def test_an_optimizer_that_does_not_care_has_no_sensitivity() -> None:
    assert sensitivity({lr: [0.5, 0.5] for lr in (1e-3, 1e-2, 1e-1)}) == 0
    assert sensitivity({lr: [INF, INF] for lr in (1e-3, 1e-2, 1e-1)}) == 0


def test_one_learning_rate_has_none() -> None:
    assert lr_sensitivity({1e-3: [0.5]}, {1e-3: [2.3]}) is None
    assert lr_sensitivity({}, {}) is None


def test_missing_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="same seeds"):
        lr_sensitivity({1e-3: [0.5, 0.4], 1e-2: [0.5]}, {1e-3: [2.3, 2.3], 1e-2: [2.3]})
    with pytest.raises(ValueError, match="argument"):
        lr_sensitivity({1e-3: [0.5], 1e-2: [0.5]}, {1e-3: [2.3], 1e-2: []})


def test_decades_are_linear_in_log_lr_between_grid_points() -> None:
    losses = {1e-4: 0.9, 1e-3: 0.3, 1e-2: 0.2, 1e-1: 0.8}
    found = decades_within(losses, threshold=0.5)
    # By hand: from .3 to .9 the loss .5 is a third of a decade down; from .2 to .8 a half up
    assert found.decades == pytest.approx(1 + 1 / 3 + 1 / 2)
    assert found.low == pytest.approx(10 ** (-3 - 1 / 3))
    assert found.high == pytest.approx(10**-1.5)
    assert not found.at_least


def test_they_never_reach_towards_a_diverged_point() -> None:
    found = decades_within({1e-4: 0.9, 1e-3: 0.3, 1e-2: 0.2, 1e-1: INF}, threshold=0.5)
    assert found.high == 1e-2
    assert not found.at_least


def test_at_the_grids_edge_they_are_at_least_so_many() -> None:
    assert decades_within({1e-3: 0.3, 1e-2: 0.2, 1e-1: 0.8}, threshold=0.5).at_least
    assert decades_within({1e-3: 0.9, 1e-2: 0.2}, threshold=0.5).at_least
    alone = decades_within({1e-3: 0.2}, threshold=0.5)
    assert (alone.decades, alone.at_least) == (0, True)


def test_only_the_range_around_the_best_counts() -> None:
    losses = {1e-5: 0.3, 1e-4: 0.9, 1e-3: 0.25, 1e-2: 0.2, 1e-1: 0.8}
    found = decades_within(losses, threshold=0.3)
    assert found.low is not None
    assert found.low > 1e-4


def test_a_setting_that_nowhere_comes_near_has_none() -> None:
    for losses in ({1e-3: 0.9, 1e-2: 0.8}, {1e-3: INF}):
        found = decades_within(losses, threshold=0.5)
        assert (found.decades, found.low, found.high) == (0, None, None)
        assert not found.at_least


@given(
    st.lists(st.floats(0, 5) | st.just(INF), min_size=1, max_size=9),
    st.floats(0, 5),
    st.floats(0, 5),
)
def test_a_laxer_threshold_never_takes_decades_away(
    values: list[float], one: float, other: float
) -> None:
    losses = {10.0**-power: value for power, value in enumerate(values)}
    strict, lax = (decades_within(losses, limit) for limit in sorted((one, other)))
    assert strict.decades <= lax.decades + 1e-9
