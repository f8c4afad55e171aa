"""What a plain (unquoted) YAML scalar means: the core schema, YAML 1.2.2 section 10.3."""

from __future__ import annotations

import math
import re

from optbench.config.node import INTEGERS, Scalar, shown_text

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{
        sign + word: float(f"{sign}inf")
        for sign in ("", "+", "-")
        for word in (".inf", ".Inf", ".INF")
    },
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_BASED = {"0o": (8, re.compile(r"0o[0-7]+")), "0x": (16, re.compile(r"0x[0-9a-fA-F]+"))}
_FLOAT = re.compile(r"[-+]?(?P<digits>\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LONGEST_INTEGER = 30  # characters; longer ones exceed 64 bits, and int() is quadratic


def resolve(text: str) -> Scalar:
    """The value of a plain scalar.

    Raises ValueError, with the rule and the text, for integers with leading zeros (octal to
    some readers) and for numbers that a 64-bit integer or float cannot hold.
    """
    if text in _WORDS:
        return _WORDS[text]
    base, based = _BASED.get(text[:2], (10, _INTEGER))
    if based.fullmatch(text):
        return _integer(text, base)
    number = _FLOAT.fullmatch(text)
    return _float(text, number["digits"]) if number else text


def _integer(text: str, base: int) -> int:
    if base == 10 and _LEADING_ZERO.fullmatch(text):
        raise ValueError(f"an integer must not start with 0, got {shown_text(text)}")
    value = int(text, base) if len(text) <= _LONGEST_INTEGER else None
    if value is None or value not in INTEGERS:
        raise ValueError(f"an integer must fit into 64 bits, got {shown_text(text)}")
    return value


def _float(text: str, digits: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"a number must be at most 1.8e308, got {shown_text(text)}")
    if value == 0 and digits.strip("0."):
        raise ValueError(f"a number must be 0 or at least 5e-324, got {shown_text(text)}")
    return value
