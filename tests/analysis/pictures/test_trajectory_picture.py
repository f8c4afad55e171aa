from __future__ import annotations

import itertools
import math

import pytest
from walked import FAR, STRAIGHT, ground, sphere, walked

from optbench.analysis.pictures.trajectory import (
    BANDS,
    LEAST_GAP,
    MOST_STEPS,
    contour_levels,
    drawn_steps,
    trajectory_picture,
)


def test_levels_of_a_round_bowl_are_rings_of_even_width() -> None:
    """The area within r is πr²; the share (k / n)² of 100 has the radius k √(100 / π) / n."""
    radii = [math.sqrt(level) for level in contour_levels(ground(200))]
    width = math.sqrt(100 / math.pi) / BANDS
    inside = [radius for radius in radii if radius < 4.9]  # beyond, corners are cut off
    assert len(inside) >= 10
    assert inside == pytest.approx([width * (k + 1) for k in range(len(inside))], abs=0.02)


def test_a_short_path_is_drawn_step_by_step_and_a_long_one_at_even_distances() -> None:
    assert drawn_steps(3) == (0, 1, 2, 3)
    many = drawn_steps(100_001)
    assert len(many) <= MOST_STEPS + 2
    assert (many[0], many[-1]) == (0, 100_001)
    assert len({b - a for a, b in itertools.pairwise(many[:-1])}) == 1


def test_each_drawn_position_knows_the_step_of_the_next() -> None:
    picture = trajectory_picture(sphere(), ground(), [STRAIGHT])
    assert [(stop.step, stop.until) for stop in picture.traces[0].stops] == [
        (0, 1),
        (1, 2),
        (2, math.inf),
    ]


def test_the_end_of_a_path_that_is_shorter_than_others_is_drawn() -> None:
    long = walked("adam", *[(3 - step / 1000, 0) for step in range(2001)])
    short = walked("sgd", *[(3 - step / 1000, 0) for step in range(1004)])
    picture = trajectory_picture(sphere(), ground(), [long, short])
    assert picture.traces[1].stops[-1].step == 1003


def test_a_diverged_path_was_last_seen_inside_the_window() -> None:
    picture = trajectory_picture(sphere(), ground(), [FAR])
    assert picture.traces[0].last_seen.x == 4


def test_it_is_lost_where_its_step_comes_to_the_edge_of_the_window() -> None:
    aslant = walked("sgd", (3, 0), (9, 3), (1e30, 0), diverged=True)
    at_once = walked("sgd", (4.9, 0), (9, 3), diverged=True)
    within = walked("adam", (3, 0), (4, 1), diverged=True)
    picture = trajectory_picture(sphere(), ground(), [FAR, aslant, at_once, within])
    lost = [trace.lost_at(sphere().window) for trace in picture.traces]
    # Half a mark before x = ±5, or 1.85 of the 6 from 3 to 9, on which y rises by 3.
    assert lost[0] == pytest.approx((-4.85, 0))
    assert lost[1] == pytest.approx((4.85, 3 * 1.85 / 6))
    assert lost[2:] == [(4.9, 0), (4, 1)]


def test_a_value_at_the_minimum_still_has_a_place_on_a_logarithmic_axis() -> None:
    picture = trajectory_picture(sphere(), ground(), [walked("sgd", (3, 0), (0, 0))])
    assert [stop.gap for stop in picture.traces[0].stops] == [9, LEAST_GAP]
