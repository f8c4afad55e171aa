from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.config.canonical import canonical_json, digest

numbers = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (1.0, "1"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e-8, "1e-08"),
        (1e3, "1000"),
        (True, "true"),
        (None, "null"),
        ("é", '"\\u00e9"'),
        ([0.9, 0.999], "[0.9,0.999]"),
        ((1, 2), "[1,2]"),
        ({"b": 1, "a": {"z": None, "y": []}}, '{"a":{"y":[],"z":null},"b":1}'),
        (np.float64(0.1), "0.1"),
    ],
)
def test_every_value_has_one_spelling(value: object, text: str) -> None:
    assert canonical_json(value) == text


def test_true_and_one_differ() -> None:
    assert canonical_json(True) != canonical_json(1)


@given(numbers, numbers)
def test_two_numbers_are_spelled_alike_exactly_when_equal(one: float, other: float) -> None:
    assert (canonical_json(one) == canonical_json(other)) == (one == other)


def test_a_large_whole_float_is_spelled_as_the_integer_it_equals() -> None:
    assert canonical_json(1e22) == canonical_json(10**22)


@given(values)
def test_json_reads_the_value_back(value: object) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text(), st.integers()))
def test_the_order_of_keys_does_not_matter(mapping: dict[str, int]) -> None:
    assert canonical_json(dict(reversed(mapping.items()))) == canonical_json(mapping)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [{"a": math.nan}]])
def test_numbers_that_are_not_finite_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="finite"):
        canonical_json(value)


@pytest.mark.parametrize("value", [b"a", {1, 2}, {1: "a"}, object()])
def test_what_json_has_no_form_for_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_a_digest_is_the_sha256_of_the_text() -> None:
    # printf '{"a":1}' | sha256sum
    assert digest({"a": 1.0}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
