from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.analysis.statistics.profile import performance_profile, profile_score, ratios

INF = math.inf
RATIOS = st.lists(st.floats(1, 20) | st.just(INF), min_size=1, max_size=12)


def test_the_score_of_the_statistics_page_comes_out() -> None:
    assert profile_score([1, 2, INF]) == pytest.approx(0.5556, abs=5e-5)  # (3 + 2 + 0) / 3 / 3


def test_ratios_are_to_the_fastest_of_each_problem() -> None:
    found = ratios({"adam": [100, 30, INF], "sgd": [200, 10, INF]})
    assert found == {"adam": [1, 3, INF], "sgd": [2, 1, INF]}


def test_a_target_met_from_the_start_is_nobodys_advantage() -> None:
    assert ratios({"a": [0, 0], "b": [0, 10]}) == {"a": [1, 1], "b": [1, INF]}


def test_contestants_with_other_problems_are_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        ratios({"a": [1, 2], "b": [1]})


def test_nobody_has_no_ratios() -> None:
    assert ratios({}) == {}


def test_the_profile_is_the_share_of_problems_within_tau() -> None:
    assert performance_profile([1, 2, INF], [1, 1.9, 2, 1e9]) == pytest.approx(
        [1 / 3, 1 / 3, 2 / 3, 2 / 3]
    )


@given(RATIOS)
def test_the_score_is_the_area_under_the_profile(found: list[float]) -> None:
    cells = 3000  # of width .001 from 1 to 4, read off in the middle
    middles = [1 + 3 * (cell + 0.5) / cells for cell in range(cells)]
    area = math.fsum(performance_profile(found, middles)) / cells
    assert profile_score(found) == pytest.approx(area, abs=1e-3)


@given(RATIOS)
def test_the_score_is_between_0_and_1(found: list[float]) -> None:
    assert 0 <= profile_score(found) <= 1


def test_always_first_scores_1_and_never_there_scores_0() -> None:
    assert profile_score([1, 1]) == 1
    assert profile_score([INF, INF]) == 0
