"""One value written in YAML, checked against the type and the rule of what is to receive it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from optbench.catalog.remedies import remedy_for, written
from optbench.config.spaces import TUNING, first, space_kind

if TYPE_CHECKING:
    from optbench.catalog.annotations import ValueType
    from optbench.catalog.rules import Rule
    from optbench.config.node import Node, Plain, Problems

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "list": "a list",
    "mapping": "a mapping",
    "none": "null",
}


def check_value(
    node: Node, key: str, type_: ValueType, rule: Rule | None, problems: Problems
) -> Plain:
    """The value as the kind that is taken; noted where it doesn't fit.

    Of a range for tuning both ends are checked, and one point is returned.
    """
    if space_kind(node) in TUNING:
        return _check_range(node, key, type_, rule, problems)
    try:
        value = type_.fit(node.plain())
    except ValueError:
        _refuse(node, key, type_, problems)
        return node.plain()
    if node.is_sequence:
        return _check_list(node, key, type_, rule, problems)
    if check_finite(node, key, problems) and rule is not None:
        _check_rule(node, key, rule, problems)
    return value  # type: ignore[return-value]


def check_finite(node: Node, key: str, problems: Problems) -> bool:
    """Note every NaN and infinity: nothing takes one, and no hash is defined for it."""
    before = len(problems)
    if isinstance(node.value, float) and not math.isfinite(node.value):
        problems.add(node, key, f"must be a finite number, got {node.shown()}")
    for path, child in node.children(key):
        check_finite(child, path, problems)
    return len(problems) == before


def _check_range(
    node: Node, key: str, type_: ValueType, rule: Rule | None, problems: Problems
) -> Plain:
    ((kind, ends),) = node.mapping.items()
    if type_.kinds and not type_.kinds & {"int", "float"}:
        problems.add(node, key, f"must be {_in_words(type_)}, got a range of numbers")
    elif kind != "integer" and type_.only_whole:
        whole = all(type_.takes(end.value) for end in ends.sequence)
        remedy = f"write {{integer: {written(ends) if whole else '[a, b]'}}}"
        problems.add(node, key, f"must be a whole number, got a {kind} range", remedy)
    else:
        for end in ends.sequence:
            check_value(end, key, type_, rule, problems)
    return first(node).plain()


def _check_list(
    node: Node, key: str, type_: ValueType, rule: Rule | None, problems: Problems
) -> Plain:
    items = type_.item
    nested = [item for item in node.sequence if item.is_sequence]
    if nested and len(nested) == len(node.sequence) and not items.takes([]):
        remedy = remedy_for(node, type_)
        problems.add(node, key, "must be a list of values, got a list of lists", remedy)
        return node.plain()
    if type_.length not in (None, len(node.sequence)):
        rule_text = f"must be a list of {type_.length}"
        problems.add(node, key, f"{rule_text}, got {len(node.sequence)}")
    return [check_value(item, path, items, rule, problems) for path, item in node.children(key)]


def _check_rule(node: Node, key: str, rule: Rule, problems: Problems) -> None:
    value = node.value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and not rule.holds(value):  # type: ignore[arg-type]
        problems.add(node, key, f"must be {rule.text}, got {node.shown()}")


def _refuse(node: Node, key: str, type_: ValueType, problems: Problems) -> None:
    is_unquoted = type_.choices or not isinstance(node.value, str)
    got = node.shown() if is_unquoted else f"text {node.shown()}"
    problems.add(node, key, f"must be {_in_words(type_)}, got {got}", remedy_for(node, type_))


def _in_words(type_: ValueType) -> str:
    choices = [str(choice) for choice in type_.choices if choice is not None]
    if choices:
        return f"one of {', '.join(choices)}" if len(choices) > 1 else choices[0]
    shown = type_.kinds - {"int"} if "float" in type_.kinds else type_.kinds
    kinds = [words for kind, words in _WORDS.items() if kind in shown]
    words = " or ".join([*kinds, *type_.words])
    return words if type_.length is None else words.replace("a list", f"a list of {type_.length}")
