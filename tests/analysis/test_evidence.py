from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis.evidence import find_evidence
from optbench.analysis.metric import Metric
from optbench.analysis.samples import Sample
from optbench.analysis.statistics.welch import welch_t_p

LOSS = Metric("train_loss")
FINAL = st.floats(0.01, 0.05) | st.just(math.inf)  # infinite: diverged


@settings(max_examples=300, deadline=None)
@given(
    pairs=st.lists(st.tuples(FINAL, FINAL), min_size=2, max_size=9),
    paired=st.booleans(),
    level=st.sampled_from([0.04, 0.02, 0.01, 0.3]),
)
def test_what_is_decided_has_an_interval_on_one_side_of_zero(
    pairs: list[tuple[float, float]], paired: bool, level: float
) -> None:
    a, b = zip(*pairs, strict=True)
    evidence = find_evidence(Sample(a, b, paired, LOSS))
    if evidence.p is None or evidence.p > level:
        return
    interval = evidence.interval(level)
    assert interval.low is not None
    assert interval.high is not None
    if evidence.favours_a:
        assert interval.high < 0
    else:
        assert interval.low > 0


@pytest.mark.parametrize(
    ("a", "b"),
    [([0.1, 0.2, 0.4], [0.3, 0.5, 0.9, 0.7]), ([1.0, 1.5], [1.25, 1.125, 1.375])],
)
def test_welchs_p_is_that_of_scipy(a: list[float], b: list[float]) -> None:
    expected = stats.ttest_ind(a, b, equal_var=False).pvalue
    assert welch_t_p(a, b) == pytest.approx(expected, abs=1e-12)


def test_welchs_p_without_any_spread_is_zero_or_one() -> None:
    assert welch_t_p([0.1, 0.1], [0.2, 0.2]) == 0
    assert welch_t_p([0.1, 0.1], [0.1, 0.1]) == 1
