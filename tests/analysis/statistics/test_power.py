from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis.statistics.power import fewest_pairs, seeds_needed, shown_effect, t_power


def test_the_fewest_pairs_are_those_of_the_statistics_page() -> None:
    assert [fewest_pairs(0.04, m) for m in range(1, 7)] == [6, 7, 8, 8, 8, 9]


@given(st.floats(1e-6, 0.5), st.integers(1, 50))
def test_the_fewest_pairs_are_the_first_whose_smallest_p_is_enough(alpha: float, m: int) -> None:
    fewest = fewest_pairs(alpha, m)
    assert 2 / 2**fewest <= alpha / m * (1 + 1e-12)
    assert 2 / 2 ** (fewest - 1) > alpha / m * (1 - 1e-12)


@pytest.mark.parametrize(
    ("alpha", "expected"), [(0.04, [36, 16, 12, 8, 6]), (0.01, [51, 22, 16, 10, 8])]
)
def test_the_seeds_needed_are_those_of_the_statistics_page(
    alpha: float, expected: list[int]
) -> None:
    assert [seeds_needed(d, alpha) for d in (0.5, 0.8, 1, 1.5, 2)] == expected


@settings(deadline=None)  # the search is a plain count
@given(st.floats(0.08, 4), st.sampled_from([0.04, 0.01]), st.integers(1, 6))
def test_the_seeds_needed_follow_scipys_noncentral_t(d: float, alpha: float, m: int) -> None:
    def power(n: int) -> float:
        return float(stats.nct.sf(stats.t.isf(alpha / m / 2, n - 1), n - 1, d * math.sqrt(n)))

    needed = seeds_needed(d, alpha, m)
    assert needed is not None
    by_t = next(n for n in range(2, 100_000) if power(n) >= 0.8)
    assert needed == max(fewest_pairs(alpha, m), by_t + (by_t < 12))


@given(st.integers(2, 1000), st.floats(0.001, 100), st.sampled_from([0.04, 0.01, 0.04 / 6]))
def test_power_is_scipys_in_the_far_tail_too(n: int, d: float, level: float) -> None:
    theirs = stats.nct.sf(stats.t.isf(level / 2, n - 1), n - 1, d * math.sqrt(n))
    assert t_power(n, d, level) == pytest.approx(theirs, abs=1e-7)


@pytest.mark.parametrize("d", [0.0, -0.0, 1e-9, math.nan])
def test_no_number_of_seeds_shows_what_is_not_there(d: float) -> None:
    assert seeds_needed(d, 0.04) is None


@pytest.mark.parametrize("d", [1e3, 1e300, math.inf])
def test_the_largest_effect_still_needs_the_fewest_pairs(d: float) -> None:
    assert seeds_needed(d, 0.04) == seeds_needed(-d, 0.04) == 6
    assert seeds_needed(d, 0.04, m=6) == 9


def test_too_few_pairs_show_no_effect_however_large() -> None:
    assert shown_effect(5, 0.04) == math.inf
    assert shown_effect(6, 0.04, m=2) == math.inf
    assert shown_effect(0, 0.04) == math.inf
    assert shown_effect(2, 0.9) == math.inf


@given(st.integers(6, 300), st.sampled_from([0.04, 0.01]), st.integers(1, 6))
def test_the_effect_shown_is_the_least_that_so_many_seeds_are_enough_for(
    n: int, alpha: float, m: int
) -> None:
    effect = shown_effect(n, alpha, m)
    if math.isinf(effect):
        assert n < fewest_pairs(alpha, m)
        return
    enough, too_few = (
        seeds_needed(effect * (1 + 1e-9), alpha, m),
        seeds_needed(0.99 * effect, alpha, m),
    )
    assert enough is not None
    assert too_few is not None
    assert enough <= n
    assert too_few >= min(n, 12)


def test_more_pairs_show_smaller_effects() -> None:
    effects = [shown_effect(n, 0.04) for n in range(6, 60)]
    assert effects == sorted(effects, reverse=True)
