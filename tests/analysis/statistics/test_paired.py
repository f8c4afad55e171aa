from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis.statistics.paired import (
    paired_p,
    paired_ps,
    paired_t_p,
    sign_flip_p,
    sign_flip_ps,
)

D = [0.3, 0.1, 0.2, 0.5, 0.4, -0.1, 0.2, 0.6]  # the worked example of the statistics page
VALUES = st.floats(-1e3, 1e3).map(lambda value: round(value, 6))
DIFFERENCES = st.lists(VALUES, min_size=2, max_size=9).filter(lambda d: max(d) - min(d) > 1e-3)


def test_the_worked_example_comes_out() -> None:
    found = paired_p(D)
    assert found.p_t == pytest.approx(0.01063, abs=5e-6)
    assert found.p_flip == 6 / 256
    assert found.p == found.p_flip


def test_six_differences_of_one_sign_can_decide_and_five_cannot() -> None:
    assert sign_flip_p([0.11, 0.12, 0.10, 0.09, 0.11, 0.10]) == 2 / 2**6  # .03125 ≤ .04
    assert sign_flip_p([0.11, 0.12, 0.10, 0.09, 0.11]) == 2 / 2**5  # .0625


def test_six_equal_differences_decide_however_they_are_rounded() -> None:
    assert paired_p([0.1] * 6).p == 0.03125
    assert paired_p([0.3 - 0.2, 0.1, 1.1 - 1.0, 0.7 - 0.6, 0.1, 0.4 - 0.3]).p == 0.03125


def test_no_difference_at_all_has_a_p_of_one() -> None:
    found = paired_p([0.0] * 8)
    assert (found.p, found.p_t, found.p_flip) == (1.0, 1.0, 1.0)


def test_one_pair_shows_nothing() -> None:
    assert paired_p([0.7]).p == 1.0


@pytest.mark.parametrize("bad", [[], [0.1, math.nan], [0.1, math.inf], [-math.inf, 0.1]])
def test_diverged_pairs_are_refused(bad: list[float]) -> None:
    for test in (paired_t_p, sign_flip_p):
        with pytest.raises(ValueError, match="needs"):
            test(bad)


@given(DIFFERENCES)
def test_the_t_test_is_scipys(d: list[float]) -> None:
    assert paired_t_p(d) == pytest.approx(stats.ttest_1samp(d, 0).pvalue, rel=1e-6, abs=1e-12)


@given(DIFFERENCES)
@example([1000.0, 1e-6, 1000.0])  # a small difference counts beside large ones
def test_exact_sign_flips_are_scipys(d: list[float]) -> None:
    theirs = stats.permutation_test(
        (np.array(d),), np.mean, permutation_type="samples", n_resamples=math.inf, vectorized=True
    )
    assert sign_flip_p(d) == pytest.approx(theirs.pvalue, abs=1e-12)


@given(DIFFERENCES, st.floats(1e-6, 1e6))
def test_neither_sign_nor_unit_of_the_differences_changes_p(d: list[float], unit: float) -> None:
    turned = [-value * unit for value in d]
    assert sign_flip_p(turned) == sign_flip_p(d)
    assert paired_t_p(turned) == pytest.approx(paired_t_p(d), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e200, 1e307])
def test_differences_whose_squares_no_number_holds_are_judged_alike(unit: float) -> None:
    found, expected = paired_p([value * unit for value in D]), paired_p(D)
    assert found.p_t == pytest.approx(expected.p_t)
    assert found.p_flip == expected.p_flip


@given(DIFFERENCES)
def test_the_order_of_pairs_changes_nothing(d: list[float]) -> None:
    assert sign_flip_p(d[::-1]) == sign_flip_p(d)


def test_accuracies_that_tie_but_for_rounding_are_ties() -> None:
    counts = [3, -1, 2, 2, -2, 1, 1, 4]  # images of 10,000; all 256 patterns by hand: exact in ints
    exact = np.mean(
        [
            abs(sum(c if mask >> i & 1 else -c for i, c in enumerate(counts))) >= abs(sum(counts))
            for mask in range(2 ** len(counts))
        ]
    )
    rounded = [(0.9712 + c / 1e4) - 0.9712 for c in counts]
    assert sign_flip_p(rounded) == exact


def test_random_patterns_agree_with_all_of_them() -> None:
    d = np.random.default_rng(7).normal(0.3, 1, size=20)
    exact, beyond = sign_flip_p(d.tolist()), sign_flip_p([*d.tolist(), 0.0])
    error = math.sqrt(exact * (1 - exact) / 100_000)  # a pair of 0 leaves the exact p as it is
    assert beyond == pytest.approx(exact, abs=4 * error)
    assert beyond != exact


def test_random_patterns_are_the_same_in_every_call_and_never_give_zero() -> None:
    d = [1.0 + i / 100 for i in range(25)]
    assert sign_flip_p(d) == sign_flip_p(d) == 1 / 100_001
    assert sign_flip_p(d, draws=999) == 1 / 1000


def test_a_batch_gives_each_row_what_it_gets_alone() -> None:
    rows = np.random.default_rng(3).normal(size=(5, 7))
    assert paired_ps(rows).tolist() == [paired_p(row.tolist()).p for row in rows]
    rows = np.random.default_rng(3).normal(size=(2, 22))
    assert sign_flip_ps(rows).tolist() == pytest.approx([sign_flip_p(r.tolist()) for r in rows])
