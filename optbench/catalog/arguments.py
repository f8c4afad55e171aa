"""Arguments written in YAML, checked against the signature of what is to receive them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.catalog.signatures import Parameter, Signature, kind_of
from optbench.config.node import Node, Plain, Problems, child_key
from optbench.config.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "none": "null",
    "list": "a list",
    "mapping": "a mapping",
}
# What people call an argument in other libraries or in prose.
_SYNONYMS = {"learning_rate": "lr", "beta": "betas", "epsilon": "eps", "l2": "weight_decay"}


@dataclass(frozen=True)
class Rule:
    """What a value must satisfy beyond its type; `text` completes "must be …"."""

    text: str
    holds: Callable[[float], bool]


GREATER_THAN_ZERO = Rule("greater than 0", lambda v: 0 < v < math.inf)
AT_LEAST_ZERO = Rule("0 or greater", lambda v: 0 <= v < math.inf)
AT_LEAST_ONE = Rule("1 or greater", lambda v: v >= 1)
BETWEEN_ZERO_AND_ONE = Rule("between 0 and 1", lambda v: 0 <= v <= 1)
BELOW_ONE = Rule("at least 0 and below 1", lambda v: 0 <= v < 1)


@dataclass(frozen=True)
class Receiver:
    """What takes the arguments: its title for messages, its signature, and rules by name.

    `filled` names parameters that optbench provides itself; YAML may not give them. `optional`
    names required ones that may be left out because a default is worked out later.
    """

    title: str
    signature: Signature
    rules: Mapping[str, Rule]
    filled: Collection[str] = ()
    optional: Collection[str] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What YAML may write."""
        parameters = self.signature.parameters
        return tuple(p.name for p in parameters if p.name not in self.filled and p.writable)


def check_arguments(
    node: Node, key: str, receiver: Receiver, problems: Problems, *, partial: bool = False
) -> dict[str, Plain]:
    """The arguments under `node` (all keys but `name`) with defaults filled in.

    Unknown, missing and mistyped ones, and values against a rule, are noted as problems.
    `partial` takes what is given as it is: nothing is missing, nothing filled in.
    """
    given = {name: child for name, child in node.mapping.items() if name != "name"}
    for name in given:
        _check_known(node, name, key, receiver, problems)
    values: dict[str, Plain] = {}
    for parameter in receiver.signature.parameters:
        if parameter.name not in receiver.names:
            continue
        path = child_key(key, parameter.name)
        if parameter.name in given:
            values[parameter.name] = check_value(
                given[parameter.name], path, parameter, receiver, problems
            )
        elif partial:
            continue
        elif parameter.required and parameter.name not in receiver.optional:
            problems.add(node, path, f"{receiver.title} needs it", f"{parameter.name}: …")
        elif parameter.default_known:
            values[parameter.name] = parameter.default  # type: ignore[assignment]
    if receiver.signature.open:
        values |= {n: c.plain() for n, c in given.items() if n not in values}
    return values


def check_value(
    node: Node, key: str, parameter: Parameter, receiver: Receiver, problems: Problems
) -> Plain:
    """One value, converted to the kind the parameter takes; noted where it doesn't fit."""
    value = node.plain()
    fitted = _fit(value, parameter.kinds)
    if fitted is _MISFIT:
        wanted = _in_words(parameter)
        problems.add(node, key, f"must be {wanted}, got {_kind_of_node(node)}")
        return value
    if parameter.choices and fitted not in parameter.choices:
        close = nearest(str(fitted), [str(c) for c in parameter.choices])
        remedy = f"did you mean '{close}'?" if close else ""
        problems.add(node, key, f"must be {_in_words(parameter)}, got {node.shown()}", remedy)
    elif isinstance(fitted, list):
        return [
            _check_item(child, path, parameter, receiver, problems)
            for path, child in node.children(key)
        ]
    else:
        _check_rule(node, fitted, key, parameter.name, receiver, problems)
    return fitted  # type: ignore[return-value]


def _check_item(
    node: Node, key: str, parameter: Parameter, receiver: Receiver, problems: Problems
) -> Plain:
    fitted = _fit(node.plain(), parameter.item_kinds)
    if fitted is _MISFIT:
        words = " or ".join(_WORDS[kind] for kind in sorted(parameter.item_kinds))
        problems.add(node, key, f"must be {words}, got {_kind_of_node(node)}")
        return node.plain()
    _check_rule(node, fitted, key, parameter.name, receiver, problems)
    return fitted  # type: ignore[return-value]


def _check_rule(
    node: Node, value: object, key: str, name: str, receiver: Receiver, problems: Problems
) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    rule = receiver.rules.get(name)
    if rule is not None and not rule.holds(value):
        problems.add(node, key, f"must be {rule.text}, got {node.shown()}")
    elif not math.isfinite(value):
        problems.add(node, key, f"must be a finite number, got {node.shown()}")


_MISFIT = object()


def _fit(value: object, kinds: frozenset[str]) -> object:
    """The value as one of `kinds`; 1 is a number as good as 1.0, and 1e2 a whole one."""
    kind = kind_of(value)
    if not kinds or kind in kinds:
        return value
    if kind == "int" and "float" in kinds:
        return value
    if kind == "float" and "int" in kinds and float(value).is_integer():  # type: ignore[arg-type]
        return int(value)  # type: ignore[call-overload]
    return _MISFIT


def _in_words(parameter: Parameter) -> str:
    if parameter.choices:
        return f"one of {', '.join(str(choice) for choice in parameter.choices)}"
    kinds = parameter.kinds - {"unwritable"}
    if "float" in kinds:
        kinds -= {"int"}
    return " or ".join(_WORDS[kind] for kind in sorted(kinds, key=list(_WORDS).index))


def _kind_of_node(node: Node) -> str:
    shown = node.shown()
    return f"{node.kind()} {shown}" if node.is_scalar and shown != node.kind() else node.kind()


def _check_known(node: Node, name: str, key: str, receiver: Receiver, problems: Problems) -> None:
    if name in receiver.names:
        return
    path = child_key(key, name)
    if name in receiver.filled:
        problems.add_at_key(node, name, path, "optbench provides it", "leave it out")
        return
    if receiver.signature.open and receiver.signature.get(name) is None:
        return
    names = receiver.names
    synonym = _SYNONYMS.get(name, "")
    close = synonym if synonym in names else nearest(name, names)
    known = f"it takes {', '.join(names)}" if names else "it takes none"
    remedy = f"did you mean '{close}'?" if close else known
    problems.add_at_key(node, name, path, f"{receiver.title} has no such argument", remedy)
