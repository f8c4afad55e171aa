from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from optbench.catalog.annotations import ValueType
from optbench.catalog.arguments import Receiver, check_arguments
from optbench.catalog.rules import AT_LEAST_ONE, Relation
from optbench.catalog.signatures import Parameter, Signature
from optbench.config.node import Plain, Problems
from optbench.config.yaml_source import parse
from optbench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

INT = ValueType(frozenset({"int"}))
FLOAT = ValueType(frozenset({"float"}))
PAIR = ValueType(frozenset({"list"}), frozenset({"float"}), 2)
TAKEN = (
    Parameter("params", required=True),
    Parameter("n", INT, required=True),
    Parameter("x", FLOAT, default=0),
    Parameter("pair", PAIR, default=[0.9, 0.999]),
    Parameter("flag", ValueType(frozenset({"bool", "none"}))),
    Parameter("mode", ValueType(frozenset({"str"}), choices=("min", "max")), default="min"),
    Parameter("scale", ValueType(frozenset({"unwritable"}))),
    Parameter("unknown", default_known=False),
)
THING = Receiver(
    "Thing",
    Signature("Thing", TAKEN),
    {"n": AT_LEAST_ONE, "pair": AT_LEAST_ONE},
    filled=("params",),
)


def check(
    text: str, receiver: Receiver = THING, *, partial: bool = False
) -> tuple[dict[str, Plain], Sequence[str]]:
    problems = Problems()
    values = check_arguments(parse(text, "a.yaml"), "it", receiver, problems, partial=partial)
    try:
        problems.raise_if_any()
    except ConfigError as error:
        return values, [f"{p.key}: {p.message} [{p.remedy}]" for p in error.problems]
    return values, []


def mistakes(text: str, receiver: Receiver = THING) -> Sequence[str]:
    return check(text, receiver)[1]


def test_defaults_are_filled_in_in_the_order_of_the_signature() -> None:
    values, found = check("{pair: [1, 2], n: 3}")
    assert not found
    assert list(values.items()) == [
        ("n", 3), ("x", 0), ("pair", [1.0, 2.0]), ("flag", None), ("mode", "min"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("{n: 1e2}", "n", 100),
        ("{n: 100.0}", "n", 100),
        ("{n: 1, x: 1}", "x", 1.0),
        ("{n: 1, pair: [1, 2]}", "pair", [1.0, 2.0]),
    ],
)
def test_a_number_takes_the_kind_that_is_wanted(text: str, key: str, value: Plain) -> None:
    values, found = check(text)
    assert not found
    assert values[key] == value
    assert repr(values[key]) == repr(value)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("{}", "it.n: is missing [Thing needs it: n: …]"),
        ("{n: 0}", "it.n: must be 1 or greater, got 0 []"),
        ("{n: 1.5}", "it.n: must be a whole number, got 1.5 []"),
        ("{n: true}", "it.n: must be a whole number, got true []"),
        ("{n: '1'}", "it.n: must be a whole number, got text '1' []"),
        ("{n: null}", "it.n: must be a whole number, got nothing []"),
        ("{n: .inf}", "it.n: must be a whole number, got inf []"),
        ("{n: [1]}", "it.n: must be a whole number, got a list [write 1]"),
        ("{n: 1, x: .nan}", "it.x: must be a finite number, got nan []"),
        ("{n: 1, x: -.inf}", "it.x: must be a finite number, got -inf []"),
        ("{n: 1, flag: 1}", "it.flag: must be true or false or null, got 1 [write true]"),
        (
            "{n: 1, flag: 'no'}",
            "it.flag: must be true or false or null, got text 'no' [write false]",
        ),
        ("{n: 1, pair: 3}", "it.pair: must be a list of 2, got 3 []"),
        ("{n: 1, pair: [1]}", "it.pair: must be a list of 2, got 1 []"),
        ("{n: 1, pair: [1, 2, 3]}", "it.pair: must be a list of 2, got 3 []"),
        ("{n: 1, pair: [1, x]}", "it.pair[1]: must be a number, got text 'x' []"),
        ("{n: 1, pair: [1, 0.5]}", "it.pair[1]: must be 1 or greater, got 0.5 []"),
        ("{n: 1, mode: mix}", "it.mode: must be one of min, max, got 'mix' [did you mean 'min'?]"),
        ("{n: 1, mode: 3}", "it.mode: must be one of min, max, got 3 []"),
        ("{n: 1, mode: [min]}", "it.mode: must be one of min, max, got a list [write min]"),
        ("{n: 1, params: 1}", "it.params: optbench provides it [leave it out]"),
        (
            "{n: 1, scale: 1}",
            "it.scale: Thing takes an object here that YAML can't write [leave it out]",
        ),
        ("{n: 1, flg: true}", "it.flg: Thing has no such argument [did you mean 'flag'?]"),
        (
            "{n: 1, zzzz: 1}",
            "it.zzzz: Thing has no such argument [it takes n, x, pair, flag, mode, unknown]",
        ),
        ("{n: 1, unknown: [[.nan]]}", "it.unknown[0][0]: must be a finite number, got nan []"),
        ("{n: 1, unknown: {a: .inf}}", "it.unknown.a: must be a finite number, got inf []"),
    ],
)
def test_each_mistake_is_told_once_with_rule_and_value(text: str, mistake: str) -> None:
    assert mistakes(text) == [mistake]


def test_a_misspelled_argument_is_not_missing_as_well() -> None:
    receiver = Receiver("T", Signature("T", (Parameter("step_size", INT, required=True),)))
    assert mistakes("{step_sise: 1}", receiver) == [
        "it.step_sise: T has no such argument [did you mean 'step_size'?]"
    ]


def test_learning_rate_means_lr() -> None:
    receiver = Receiver("T", Signature("T", (Parameter("lr", FLOAT), Parameter("learning"))))
    assert mistakes("{learning_rate: 1}", receiver) == [
        "it.learning_rate: T has no such argument [did you mean 'lr'?]"
    ]


def test_an_open_signature_takes_anything_finite_but_what_is_provided() -> None:
    receiver = Receiver("T", Signature("T", (Parameter("params"),), open=True), filled=("params",))
    assert check("{a: 1, b: {c: [2]}}", receiver) == ({"a": 1, "b": {"c": [2]}}, [])
    assert mistakes("{a: .nan}", receiver) == ["it.a: must be a finite number, got nan []"]
    assert mistakes("{params: 1}", receiver) == ["it.params: optbench provides it [leave it out]"]


def test_partial_arguments_are_checked_and_not_filled_in() -> None:
    assert check("{x: 1}", partial=True) == ({"x": 1.0}, [])
    assert len(check("{n: 0, x: a}", partial=True)[1]) == 2


def test_arguments_that_contradict_each_other_are_noted_where_they_stand() -> None:
    relation = Relation("x", "must be below n", lambda a: float(str(a["x"])) < float(str(a["n"])))
    receiver = Receiver("T", THING.signature, relations=(relation,), filled=("params",))
    assert mistakes("{n: 1, x: 2}", receiver) == ["it.x: must be below n []"]
    assert not mistakes("{n: 3, x: 2}", receiver)
    # With another mistake there is no telling whether they do.
    assert mistakes("{n: a, x: 2}", receiver) == ["it.n: must be a whole number, got text 'a' []"]


def test_no_rule_lets_nan_through() -> None:
    assert not AT_LEAST_ONE.holds(math.nan)
