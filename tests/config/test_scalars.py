from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optbench.config.scalars import resolve


# YAML 1.2.2, section 10.3.2: the regular expressions of the table and example 10.9.
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("~", None),
        ("", None),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("false", False),
        ("False", False),
        ("FALSE", False),
        ("0", 0),
        ("-19", -19),
        ("+12", 12),
        ("0o7", 7),
        ("0o14", 12),
        ("0x3A", 58),
        ("0xC", 12),
        ("0.", 0.0),
        (".5", 0.5),
        ("+12e03", 12000.0),
        ("-2E+05", -200000.0),
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("+.INF", math.inf),
    ],
)
def test_plain_scalars_follow_the_core_schema(text: str, value: object) -> None:
    resolved = resolve(text)
    assert resolved == value
    assert type(resolved) is type(value)


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_three_spellings_are_not_a_number(text: str) -> None:
    value = resolve(text)
    assert isinstance(value, float)
    assert math.isnan(value)


def test_minus_zero_keeps_its_sign() -> None:
    value = resolve("-0.0")
    assert isinstance(value, float)
    assert math.copysign(1, value) == -1


# Numbers, booleans or dates in YAML 1.1, or nearly so; the core schema has no pattern for them.
@pytest.mark.parametrize(
    "text",
    [
        *("no", "No", "yes", "on", "off", "y", "n", "1:30", "1_000", "2026-11-22", "0b11"),
        *("tRUE", "nULL", "None", ".Nan", "inf", "nan", "+.nan", "-0x1", "+0o7", "0X1F", "0o8"),
        *("1e", "e1", ".", "+", "-", "1.2.3", "1e5.0", "0x", "--1", "1 2", "٣", "²", "adam"),
    ],
)
def test_what_the_core_schema_does_not_name_is_text(text: str) -> None:
    assert resolve(text) == text


@pytest.mark.parametrize("text", ["007", "-01", "+00", "00", "0123456789"])
def test_integers_with_leading_zeros_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"an integer must not start with 0, got"):
        resolve(text)


def test_integers_are_held_to_64_bits() -> None:
    assert resolve("9223372036854775807") == 2**63 - 1
    assert resolve("-9223372036854775808") == -(2**63)
    assert resolve("0x7FFFFFFFFFFFFFFF") == 2**63 - 1
    for text in ("9223372036854775808", "-9223372036854775809", "0xFFFFFFFFFFFFFFFF", "9" * 9999):
        with pytest.raises(ValueError, match="64 bits"):
            resolve(text)


@pytest.mark.parametrize("text", ["1e999", "-1e999", "1.8e308", "9" * 400 + ".0"])
def test_numbers_that_overflow_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"at most 1\.8e308"):
        resolve(text)


@pytest.mark.parametrize("text", ["1e-400", "-0.1e-999"])
def test_numbers_that_vanish_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be 0 or at least 5e-324"):
        resolve(text)


@pytest.mark.parametrize("text", ["0e5", "0.0e-999", "-0."])
def test_zero_in_any_spelling_is_zero(text: str) -> None:
    assert resolve(text) == 0


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_as_python_writes_it_is_read_as_itself(value: float) -> None:
    assert resolve(repr(value)) == value


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_integer_as_python_writes_it_is_read_as_itself(value: int) -> None:
    assert resolve(str(value)) == value
    assert type(resolve(str(value))) is int
