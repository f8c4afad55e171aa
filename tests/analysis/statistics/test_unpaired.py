from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis.statistics.unpaired import mann_whitney_share, welch_permutation_p

VALUES = st.integers(-1000, 1000).map(lambda count: count / 8)  # exact in binary
SAMPLES = st.lists(VALUES, min_size=3, max_size=5).filter(lambda v: len(set(v)) == len(v))


@settings(deadline=None)
@given(SAMPLES, SAMPLES)
def test_exact_permutations_are_scipys(a: list[float], b: list[float]) -> None:
    if len({*a, *b}) < len(a) + len(b):
        return  # constant samples: scipy's t is then NaN
    theirs = stats.permutation_test(
        (np.array(a), np.array(b)),
        lambda x, y, axis: np.abs(stats.ttest_ind(x, y, equal_var=False, axis=axis).statistic),
        permutation_type="independent",
        alternative="greater",
        n_resamples=math.inf,
        vectorized=True,
    )
    assert welch_permutation_p(a, b) == pytest.approx(theirs.pvalue, abs=1e-12)


def test_two_samples_apart_have_two_of_all_splits() -> None:
    assert welch_permutation_p([1, 2, 3, 4], [11, 12, 13, 14]) == 2 / 70
    assert welch_permutation_p([1, 1, 1], [2, 2, 2]) == 2 / 20


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e200, 1e307])
def test_values_whose_squares_no_number_holds_are_judged_alike(unit: float) -> None:
    a, b = [1.0, 2.0, 3.5, 3.0], [2.5, 4.0, 5.0, 3.0]
    found = welch_permutation_p([x * unit for x in a], [x * unit for x in b])
    assert found == welch_permutation_p(a, b)


def test_equal_samples_have_a_p_of_one() -> None:
    assert welch_permutation_p([0.1] * 4, [0.1] * 3) == 1.0
    assert welch_permutation_p([0.5] * 4, [0.5] * 3) == 1.0
    assert welch_permutation_p([0.6, 0.2, 0.4], [0.3, 0.6, 0.5, 0.2]) == 1.0  # both mean .4
    assert welch_permutation_p([0.1, 0.2, 0.3], [0.3, 0.2, 0.1]) == 1.0


def test_a_single_value_shows_nothing() -> None:
    assert welch_permutation_p([5.0], [1.0, 1.1, 1.2, 0.9]) == 1.0


def test_random_splits_agree_with_all_of_them() -> None:
    draw = np.random.default_rng(5)
    a, b = draw.normal(0, 1, 8).tolist(), draw.normal(0.9, 1, 9).tolist()  # 24,310 splits
    exact, drawn = welch_permutation_p(a, b), welch_permutation_p(a, b, draws=20_000)
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 20_000))
    assert drawn == welch_permutation_p(a, b, draws=20_000)
    assert drawn != exact


def test_random_splits_never_give_zero() -> None:
    apart = welch_permutation_p(list(range(15)), list(range(100, 115)), draws=999)
    assert apart == 1 / 1000


@pytest.mark.parametrize("bad", [[], [0.1, math.nan], [math.inf, 0.1]])
def test_diverged_seeds_are_refused(bad: list[float]) -> None:
    for a, b in ((bad, [0.1, 0.2]), ([0.1, 0.2], bad)):
        with pytest.raises(ValueError, match="needs"):
            welch_permutation_p(a, b)


@given(st.lists(VALUES, min_size=1, max_size=9), st.lists(VALUES, min_size=1, max_size=9))
def test_the_share_is_scipys_u(a: list[float], b: list[float]) -> None:
    u = stats.mannwhitneyu(a, b, method="asymptotic").statistic if len({*a, *b}) > 1 else None
    expected = 0.5 if u is None else u / (len(a) * len(b))
    assert mann_whitney_share(a, b) == pytest.approx(expected)


def test_a_diverged_seed_is_below_all_others() -> None:
    # By hand: 1 beats both, −∞ beats −∞ by half: 2.5 of 4
    assert mann_whitney_share([1.0, -math.inf], [0.5, -math.inf]) == 2.5 / 4


@pytest.mark.parametrize(("a", "b"), [([], [1.0]), ([1.0], []), ([math.nan], [1.0])])
def test_what_has_no_order_is_refused(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="the share needs values"):
        mann_whitney_share(a, b)
