from __future__ import annotations

import pytest
from walked import FAR, NEAR, STRAIGHT, sphere, walked

from optbench.analysis.trajectory import outcomes


def test_the_best_is_who_was_there_first_then_who_ended_nearest_then_who_diverged() -> None:
    slow = walked("rmsprop", (3, 0), (2, 0), (1, 0), (0, 0))
    found = outcomes(sphere(), [FAR, NEAR, slow, STRAIGHT])
    assert [one.path.label for one in found] == ["sgd", "rmsprop", "adam", "momentum"]


def test_an_outcome_tells_arrival_distance_and_height_at_the_end() -> None:
    first, second = outcomes(sphere(), [STRAIGHT, NEAR])
    assert (first.steps, second.steps) == (2, None)
    assert [first.distance, first.gap] == pytest.approx([0.005, 0.000025])
    assert [second.distance, second.gap] == pytest.approx([2**0.5, 2])


def test_within_the_tolerance_is_there() -> None:
    (found,) = outcomes(sphere("tolerance=1"), [STRAIGHT])
    assert found.steps == 1


def test_who_only_passed_a_minimum_was_there_but_who_diverged_was_not() -> None:
    passing = walked("sgd", (3, 0), (0, 0), (-2, 0))
    lost = walked("adam", (3, 0), (0, 0), (-200, 0), diverged=True)
    found = outcomes(sphere(), [passing, lost])
    assert [one.steps for one in found] == [1, None]
    assert found[0].distance == 2
