from __future__ import annotations

import pytest

from optbench.catalog.annotations import ValueType
from optbench.catalog.fitting import check_value
from optbench.catalog.rules import AT_LEAST_ONE
from optbench.config.node import Node, Plain, Problems
from optbench.config.yaml_source import parse
from optbench.errors import ConfigError

INT = ValueType(frozenset({"int"}))
FLOAT = ValueType(frozenset({"float"}))
BOOL = ValueType(frozenset({"bool"}))
MODE = ValueType(frozenset({"str"}), choices=("min", "max"))
WIDTHS = ValueType(frozenset({"list"}), frozenset({"int"}))
PAIR = ValueType(frozenset({"list"}), frozenset({"float"}), 2)


def check(node: Node, type_: ValueType) -> tuple[Plain, list[str]]:
    problems = Problems()
    value = check_value(node, "x", type_, AT_LEAST_ONE, problems)
    try:
        problems.raise_if_any()
    except ConfigError as error:
        return value, [f"{p.key}: {p.message} [{p.remedy}]" for p in error.problems]
    return value, []


def told(text: str, type_: ValueType) -> list[str]:
    return check(parse(text, "a.yaml"), type_)[1]


@pytest.mark.parametrize(
    ("text", "type_", "mistake"),
    [
        # The spelling is the file's: 1e-3, not 0.001.
        ("[1e-3, 1e-2]", FLOAT,
         "x: must be a number, got a list [write {grid: [1e-3, 1e-2]} to try each]"),
        ("- 1\n- 2", FLOAT, "x: must be a number, got a list [write {grid: [1, 2]} to try each]"),
        (f"[{'1, ' * 30}1]", FLOAT,
         "x: must be a number, got a list [write {grid: […]} to try each]"),
        ("[min, max]", MODE,
         "x: must be one of min, max, got a list [write {grid: [min, max]} to try each]"),
        ("[true, false]", BOOL,
         "x: must be true or false, got a list [write {grid: [true, false]} to try each]"),
        ("[1e-3]", FLOAT, "x: must be a number, got a list [write 1e-3]"),
        ("[a, b]", FLOAT, "x: must be a number, got a list []"),
        ("[]", FLOAT, "x: must be a number, got a list []"),
        ("[2, [3, 4]]", PAIR,
         "x[1]: must be a number, got a list [write {grid: [3, 4]} to try each]"),
        ("[[64], [128, 64]]", WIDTHS,
         "x: must be a list of values, got a list of lists "
         "[write {grid: [[64], [128, 64]]} to try each]"),
        ("[[64]]", WIDTHS, "x: must be a list of values, got a list of lists [write [64]]"),
        ("{gird: [1, 2]}", FLOAT, "x: must be a number, got a mapping [did you mean 'grid'?]"),
        ("{zzz: [1, 2]}", FLOAT, "x: must be a number, got a mapping []"),
        ("{grid: 1, more: 2}", FLOAT, "x: must be a number, got a mapping []"),
        ("[1, {gird: [1, 2]}]", PAIR,
         "x[1]: must be a number, got a mapping [did you mean 'grid'?]"),
        ("128", WIDTHS, "x: must be a list, got 128 [write [128]]"),
        ("1.5", WIDTHS, "x: must be a list, got 1.5 []"),
        ("3", PAIR, "x: must be a list of 2, got 3 []"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_told_what_to_write(
    text: str, type_: ValueType, mistake: str
) -> None:
    assert told(text, type_) == [mistake]


@pytest.mark.parametrize(
    ("text", "type_", "mistake"),
    [
        ("{uniform: [1, 5]}", INT,
         "x: must be a whole number, got a uniform range [write {integer: [1, 5]}]"),
        ("{loguniform: [1.5, 5]}", INT,
         "x: must be a whole number, got a loguniform range [write {integer: [a, b]}]"),
        ("[{uniform: [1, 5]}]", WIDTHS,
         "x[0]: must be a whole number, got a uniform range [write {integer: [1, 5]}]"),
        ("{uniform: [0, 1]}", BOOL, "x: must be true or false, got a range of numbers []"),
        ("{integer: [1, 5]}", WIDTHS, "x: must be a list, got a range of numbers []"),
        ("{uniform: [0, 5]}", FLOAT, "x: must be 1 or greater, got 0 []"),
        ("{integer: [0, 5]}", INT, "x: must be 1 or greater, got 0 []"),
    ],
)  # fmt: skip
def test_a_range_has_to_be_one_of_what_is_taken(text: str, type_: ValueType, mistake: str) -> None:
    assert told(text, type_) == [mistake]


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("{integer: [1, 5]}", INT, 1),
        ("{uniform: [1, 5]}", FLOAT, 3),
        ("[2, {uniform: [1, 5]}]", PAIR, [2, 3]),
    ],
)
def test_a_range_that_fits_is_stood_for_by_one_point(
    text: str, type_: ValueType, value: Plain
) -> None:
    assert check(parse(text, "a.yaml"), type_) == (value, [])
