from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from optbench.config.node import Node, Plain, Problems
from optbench.config.spaces import (
    KINDS,
    check_spaces,
    count,
    expand,
    first,
    linspace,
    logspace,
    space_kind,
    tuning_spaces,
)
from optbench.config.yaml_source import parse
from optbench.errors import ConfigError, Problem

N_RULE = "must be a whole number from 2 to 10,000"


def node(text: str) -> Node:
    return parse(text, "a.yaml")


def points(text: str) -> list[Plain]:
    return [point.plain() for point in expand(node(text))]


def mistakes(text: str) -> list[Problem]:
    problems = Problems()
    check_spaces(node(text), problems)
    try:
        problems.raise_if_any()
    except ConfigError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize("kind", KINDS)
def test_a_mapping_is_a_space_if_its_only_key_is_one_of_six(kind: str) -> None:
    assert space_kind(node(f"{{{kind}: [1, 2]}}")) == kind
    assert space_kind(node(f"{{{kind}: [1, 2], lr: 1}}")) is None


@pytest.mark.parametrize("text", ["{lr: [1, 2]}", "[1, 2]", "grid", "{}", "{Grid: [1]}"])
def test_nothing_else_is_a_space(text: str) -> None:
    assert space_kind(node(text)) is None


def test_a_tree_without_spaces_is_its_only_point() -> None:
    tree = node("{name: adam, betas: [0.9, 0.999]}")
    (point,) = expand(tree)
    assert point is tree
    assert count(tree) == 1


def test_the_space_written_first_varies_slowest() -> None:
    assert points("{a: {grid: [1, 2]}, b: [{grid: [x, y]}, 0], c: {grid: [true, false]}}") == [
        {"a": a, "b": [b, 0], "c": c} for a in (1, 2) for b in ("x", "y") for c in (True, False)
    ]


def test_the_elements_of_a_grid_may_be_anything() -> None:
    assert points("{a: {grid: [[1, 2], {name: cosine}, null, text]}}") == [
        {"a": value} for value in ([1, 2], {"name": "cosine"}, None, "text")
    ]


def test_unchanged_parts_are_shared_between_points() -> None:
    tree = node("{model: {hidden: [128, {grid: [1, 2]}]}, training: {epochs: 5}}")
    one, other = expand(tree)
    assert one.mapping["training"] is other.mapping["training"] is tree.mapping["training"]
    assert tree.plain() == {
        "model": {"hidden": [128, {"grid": [1, 2]}]},
        "training": {"epochs": 5},
    }


def test_points_are_counted_without_being_built() -> None:
    spaces = ", ".join(f"a{index}: {{linspace: [0, 1, 10000]}}" for index in range(20))
    assert count(node(f"{{{spaces}}}")) == 10**80


def test_the_first_points_come_without_building_the_rest() -> None:
    spaces = ", ".join(f"a{index}: {{linspace: [0, 9999, 10000]}}" for index in range(5))
    few = itertools.islice(expand(node(f"{{{spaces}}}")), 2)
    assert [point.mapping["a4"].value for point in few] == [0, 1]


def test_a_point_keeps_a_mark() -> None:
    tree = node("a: {grid: [1, 22]}\nb: {logspace: [1, 100, 3]}\n")
    last = list(expand(tree))[-1]
    a, b = last.mapping["a"], last.mapping["b"]
    assert (a.mark.line, a.mark.column, a.width) == (1, 15, 2)
    assert (b.mark.line, b.mark.column, b.width) == (2, 4, len("{logspace: [1, 100, 3]}"))


def test_an_anchored_space_varies_for_each_place_it_stands_in() -> None:
    assert len(points("{a: &x {grid: [1, 2]}, b: *x}")) == 4


def test_spaces_for_tuning_stay_in_place() -> None:
    text = "{lr: {loguniform: [1e-4, 1]}, b: {grid: [1, 2]}}"
    assert count(node(text)) == 2
    assert points(text) == [{"lr": {"loguniform": [0.0001, 1]}, "b": b} for b in (1, 2)]


def test_spaces_for_tuning_are_found_with_their_paths() -> None:
    tree = node("[{lr: {loguniform: [1e-4, 1]}, b: {grid: [1]}}, {n: [0, {integer: [1, 8]}]}]")
    found = tuning_spaces(tree, "optimizer")
    assert [path for path, _ in found] == ["optimizer[0].lr", "optimizer[1].n[1]"]
    assert found[0][1] is tree.sequence[0].mapping["lr"]


def test_the_first_point_of_every_space_makes_a_trial() -> None:
    tree = node(
        "{a: {grid: [x, y]}, b: {linspace: [1, 3, 3]}, c: {logspace: [1e-3, 1, 4]},"
        " d: {uniform: [0, 1]}, e: {loguniform: [1e-4, 1e-2]}, f: {integer: [2, 8]}, g: [0]}"
    )
    # the geometric middle of 1e-4 and 1e-2 is sqrt(1e-6)
    expected = {"a": "x", "b": 1, "c": 0.001, "d": 0.5, "e": 0.001, "f": 2, "g": [0]}
    assert first(tree).plain() == expected


def test_a_logspace_runs_from_end_to_end() -> None:
    expected = [0.001, 0.00316227766017, 0.01, 0.0316227766017, 0.1, 0.316227766017, 1.0]
    assert points("{logspace: [1e-3, 1, 7]}") == expected  # 10^(k/2 - 3), 12 digits by bc


def test_a_linspace_reads_as_written_by_hand() -> None:
    assert linspace(0, 0.5, 6) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert linspace(-0.3, 0.3, 7) == [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]


def test_whole_points_between_integers_are_integers() -> None:
    for values in (linspace(1, 5, 5), logspace(1, 1000, 4)):
        assert {type(value) for value in values} == {int}
    assert logspace(1, 1000, 4) == [1, 10, 100, 1000]
    assert {type(value) for value in linspace(0, 1, 3) + linspace(1.0, 5.0, 5)} == {float}


ends = st.floats(-1e9, 1e9).filter(lambda value: value == 0 or abs(value) > 1e-9)


@given(ends, ends, st.integers(2, 50))
def test_a_linspace_agrees_with_numpy(low: float, high: float, number: int) -> None:
    assume(low < high)
    ours = linspace(low, high, number)
    scale = max(abs(low), abs(high))
    np.testing.assert_allclose(ours, np.linspace(low, high, number), rtol=1e-11, atol=1e-14 * scale)
    assert (ours[0], ours[-1]) == (low, high)


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300), st.integers(2, 50))
def test_a_logspace_agrees_with_numpys_geomspace(low: float, high: float, number: int) -> None:
    assume(low < high and math.isfinite(high / low))  # geomspace divides them
    ours = logspace(low, high, number)
    np.testing.assert_allclose(ours, np.geomspace(low, high, number), rtol=1e-11)
    assert (ours[0], ours[-1]) == (low, high)


def test_a_logspace_may_span_all_floats() -> None:
    assert logspace(1e-300, 1e300, 3) == [1e-300, 1.0, 1e300]


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("grid: 0.1", "grid", "must be a list of values, got 0.1"),
        ("grid: {a: 1}", "grid", "must be a list of values, got a mapping"),
        ("grid: []", "grid", "must hold at least one value, is empty"),
        ("grid: [1, 1.0]", "grid[1]", "a grid holds each value once, got 1.0 again"),
        ("grid: [[1], [2], [1]]", "grid[2]", "a grid holds each value once, got a list again"),
        ("grid: [.nan, .nan]", "grid[1]", "a grid holds each value once, got nan again"),
        ("grid: [{grid: [1]}]", "grid[0]", "a space can't stand in a grid"),
        ("grid: [{lr: {uniform: [1, 2]}}]", "grid[0].lr", "a space can't stand in a grid"),
        ("linspace: 3", "linspace", "must be [a, b, n], got 3"),
        ("linspace: [0, 1]", "linspace", "must be [a, b, n], got a list of 2"),
        ("logspace: {a: 1}", "logspace", "must be [a, b, n], got a mapping"),
        ("uniform: [0, 1, 5]", "uniform", "must be [a, b], got a list of 3"),
        ("integer: []", "integer", "must be [a, b], got a list of 0"),
        ("linspace: [x, 1, 5]", "linspace[0]", "must be a finite number, got 'x'"),
        ("linspace: [true, 2, 5]", "linspace[0]", "must be a finite number, got true"),
        ("uniform: [0, .inf]", "uniform[1]", "must be a finite number, got inf"),
        ("uniform: [.nan, 1]", "uniform[0]", "must be a finite number, got nan"),
        ("logspace: [0, 1, 5]", "logspace[0]", "must be a number greater than 0, got 0"),
        ("loguniform: [-1, 1]", "loguniform[0]", "must be a number greater than 0, got -1"),
        ("logspace: [1, .inf, 5]", "logspace[1]", "must be a number greater than 0, got inf"),
        ("integer: [1, 2.5]", "integer[1]", "must be a whole number, got 2.5"),
        ("integer: [-.inf, 2]", "integer[0]", "must be a whole number, got -inf"),
        ("linspace: [1, 1, 5]", "linspace[1]", "must be greater than 1, got 1"),
        ("uniform: [2, 1]", "uniform[1]", "must be greater than 2, got 1"),
        ("linspace: [0, 1, 1]", "linspace[2]", f"{N_RULE}, got 1"),
        ("linspace: [0, 1, 2.5]", "linspace[2]", f"{N_RULE}, got 2.5"),
        ("logspace: [1, 2, 10001]", "logspace[2]", f"{N_RULE}, got 10001"),
        ("logspace: [1, 2, 1e9]", "logspace[2]", f"{N_RULE}, got 1000000000.0"),
        ("logspace: [1, 2, true]", "logspace[2]", f"{N_RULE}, got true"),
        ("linspace: [0, 1, .nan]", "linspace[2]", f"{N_RULE}, got nan"),
        ("linspace: [1, 1.0000000000001, 9]", "linspace",
         "must differ in 12 digits from point to point"),
    ],
)  # fmt: skip
def test_a_faulty_space_is_refused(text: str, key: str, message: str) -> None:
    (mistake,) = mistakes(f"{{a: {{{text}}}}}")
    assert (mistake.key, mistake.message) == (f"a.{key}", message)
    assert mistake.mark.line == 1


def test_every_mistake_in_a_tree_is_found() -> None:
    text = "- lr: {linspace: [x, y, 1]}\n- {a: {grid: []}}\n- {b: {grid: [1, 2]}}\n"
    assert [mistake.key for mistake in mistakes(text)] == [
        "[0].lr.linspace[0]",
        "[0].lr.linspace[1]",
        "[0].lr.linspace[2]",
        "[1].a.grid",
    ]


def test_a_whole_number_of_points_may_be_written_as_a_float() -> None:
    assert mistakes("{linspace: [0, 1, 3.0]}") == []
    assert points("{linspace: [0, 1, 3.0]}") == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    "text", ["{grid: [1, true, '1', null, .inf]}", "{integer: [1.0, 8]}", "{grid: [adam]}"]
)
def test_a_sound_space_passes(text: str) -> None:
    assert mistakes(text) == []
