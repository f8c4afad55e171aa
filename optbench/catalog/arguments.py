"""Arguments written in YAML, checked against the signature of what is to receive them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from optbench.catalog.annotations import kind_of
from optbench.config.node import Node, Plain, Problems, child_key
from optbench.config.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from optbench.catalog.signatures import Parameter, Signature

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "list": "a list",
    "mapping": "a mapping",
    "none": "null",
}
# What people call an argument in other libraries or in prose.
_SYNONYMS = {
    "learning_rate": "lr", "beta": "betas", "epsilon": "eps", "l2": "weight_decay",
    "batch": "batch_size", "hidden_sizes": "hidden",
}  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """What a number must satisfy beyond its type; `text` completes "must be …"."""

    text: str
    holds: Callable[[float], bool]


GREATER_THAN_ZERO = Rule("greater than 0", lambda v: v > 0)
AT_LEAST_ZERO = Rule("0 or greater", lambda v: v >= 0)
AT_MOST_ZERO = Rule("0 or less", lambda v: v <= 0)
AT_LEAST_ONE = Rule("1 or greater", lambda v: v >= 1)
AT_LEAST_TWO = Rule("2 or greater", lambda v: v >= 2)
BETWEEN_ZERO_AND_ONE = Rule("between 0 and 1", lambda v: 0 <= v <= 1)
BELOW_ONE = Rule("at least 0 and below 1", lambda v: 0 <= v < 1)
ABOVE_ZERO_UP_TO_ONE = Rule("greater than 0 and at most 1", lambda v: 0 < v <= 1)


@dataclass(frozen=True)
class Relation:
    """What several arguments must satisfy together; the text completes "`argument` …"."""

    argument: str
    text: str
    holds: Callable[[Mapping[str, Plain]], bool]


@dataclass(frozen=True)
class Receiver:
    """What takes the arguments: its title for messages, its signature, and rules by name.

    `filled` names parameters that optbench provides itself; YAML may not give them.
    """

    title: str
    signature: Signature
    rules: Mapping[str, Rule] = field(default_factory=dict)
    relations: tuple[Relation, ...] = ()
    filled: Collection[str] = ()

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """What YAML may write, by name."""
        return {
            parameter.name: parameter
            for parameter in self.signature.parameters
            if parameter.name not in self.filled and parameter.writable
        }


def check_arguments(
    node: Node, key: str, receiver: Receiver, problems: Problems, *, partial: bool = False
) -> dict[str, Plain]:
    """The arguments under `node` with defaults filled in, in the signature's order.

    Unknown, missing and mistyped ones, and values against a rule, are noted as problems.
    `partial` takes what is given as it is: nothing is missing, nothing filled in.
    """
    before = len(problems)
    meant = {_check_known(node, name, key, receiver, problems) for name in node.mapping}
    values: dict[str, Plain] = {}
    for name, parameter in receiver.parameters.items():
        path = child_key(key, name)
        if name in node.mapping:
            values[name] = _check_value(node.mapping[name], path, parameter, receiver, problems)
        elif partial or name in meant:
            continue
        elif parameter.required:
            remedy = f"{receiver.title} needs it: {name}: …"
            problems.add(node, path, "is missing", remedy)
        elif parameter.default_known:
            values[name] = parameter.default  # type: ignore[assignment]
    if receiver.signature.open:
        values |= _further(node, key, values, problems)
    if len(problems) == before and not partial:
        _check_relations(node, key, values, receiver, problems)
    return values


def _check_relations(
    node: Node, key: str, values: Mapping[str, Plain], receiver: Receiver, problems: Problems
) -> None:
    for relation in receiver.relations:
        if not relation.holds(values):
            blamed = node.mapping.get(relation.argument, node)
            got = f", got {blamed.plain()}" if blamed.is_sequence else ""
            problems.add(blamed, child_key(key, relation.argument), f"{relation.text}{got}")


def _check_value(
    node: Node, key: str, parameter: Parameter, receiver: Receiver, problems: Problems
) -> Plain:
    """One value, converted to the kind the parameter takes; noted where it doesn't fit."""
    type_ = parameter.type
    value = _fit(node.plain(), type_.kinds)
    if value is _MISFIT or (type_.choices and value not in type_.choices):
        _refuse_value(node, key, parameter, problems)
        return node.plain()
    if not isinstance(value, list):
        _check_rule(node, key, parameter.name, receiver, problems)
        return value  # type: ignore[return-value]
    if type_.length not in (None, len(value)):
        rule = f"must be a list of {type_.length}"
        problems.add(node, key, f"{rule}, got {len(value)}")
    return [
        _check_item(item, path, parameter, receiver, problems) for path, item in node.children(key)
    ]


def _check_item(
    node: Node, key: str, parameter: Parameter, receiver: Receiver, problems: Problems
) -> Plain:
    value = _fit(node.plain(), parameter.type.items)
    if value is _MISFIT:
        wanted = _in_words(parameter.type.items)
        problems.add(node, key, f"must be {wanted}, got {_described(node)}")
        return node.plain()
    _check_rule(node, key, parameter.name, receiver, problems)
    return value  # type: ignore[return-value]


def _check_rule(node: Node, key: str, name: str, receiver: Receiver, problems: Problems) -> None:
    value = node.value
    if not _check_finite(node, key, problems) or isinstance(value, bool):
        return
    rule = receiver.rules.get(name)
    if rule is not None and isinstance(value, int | float) and not rule.holds(value):
        problems.add(node, key, f"must be {rule.text}, got {node.shown()}")


def _check_finite(node: Node, key: str, problems: Problems) -> bool:
    """Note every NaN and infinity: nothing takes one, and no hash is defined for it."""
    before = len(problems)
    if isinstance(node.value, float) and not math.isfinite(node.value):
        problems.add(node, key, f"must be a finite number, got {node.shown()}")
    for path, child in node.children(key):
        _check_finite(child, path, problems)
    return len(problems) == before


def _further(
    node: Node, key: str, values: Mapping[str, Plain], problems: Problems
) -> dict[str, Plain]:
    """What a signature with **kwargs takes beyond its names."""
    further = {name: child for name, child in node.mapping.items() if name not in values}
    for name, child in further.items():
        _check_finite(child, child_key(key, name), problems)
    return {name: child.plain() for name, child in further.items()}


_MISFIT = object()


def _fit(value: object, kinds: frozenset[str]) -> object:
    """The value as one of `kinds`: 1 as 1.0 where only floats are taken, and 1e2 as 100."""
    kind = kind_of(value)
    if not kinds or kind in kinds:
        return value
    if isinstance(value, int) and kind == "int" and "float" in kinds:
        return float(value)  # torch insists on it here and there: betas, pct_start
    if isinstance(value, float) and "int" in kinds and value.is_integer():
        return int(value)
    return _MISFIT


def _refuse_value(node: Node, key: str, parameter: Parameter, problems: Problems) -> None:
    choices = [str(choice) for choice in parameter.type.choices if choice is not None]
    if not choices:
        wanted = _in_words(parameter.type.kinds)
        problems.add(node, key, f"must be {wanted}, got {_described(node)}")
        return
    wanted = f"one of {', '.join(choices)}" if len(choices) > 1 else choices[0]
    close = nearest(str(node.value), choices) if node.is_scalar else None
    remedy = f"did you mean '{close}'?" if close else ""
    problems.add(node, key, f"must be {wanted}, got {node.shown()}", remedy)


def _in_words(kinds: frozenset[str]) -> str:
    shown = kinds - {"int"} if "float" in kinds else kinds
    return " or ".join(words for kind, words in _WORDS.items() if kind in shown)


def _described(node: Node) -> str:
    """`0.5`, `a list`, and of text that it is one: `text '0.5'`."""
    return f"text {node.shown()}" if isinstance(node.value, str) else node.shown()


def _check_known(node: Node, name: str, key: str, receiver: Receiver, problems: Problems) -> str:
    """Note an argument that isn't taken; the name of the one that is meant, if any."""
    signature = receiver.signature
    if name in receiver.parameters or (signature.open and signature.get(name) is None):
        return name
    path = child_key(key, name)
    if name in receiver.filled:
        problems.add_at_key(node, name, path, "optbench provides it", "leave it out")
    elif signature.get(name) is not None:
        message = f"{receiver.title} takes an object here that YAML can't write"
        problems.add_at_key(node, name, path, message, "leave it out")
    else:
        names = tuple(receiver.parameters)
        meant = _meant(name, names)
        known = f"it takes {', '.join(names)}" if names else "it takes none"
        remedy = f"did you mean '{meant}'?" if meant else known
        problems.add_at_key(node, name, path, f"{receiver.title} has no such argument", remedy)
        return meant
    return ""


@lru_cache(maxsize=256)  # a sweep repeats a mistake in each of its points
def _meant(name: str, names: tuple[str, ...]) -> str:
    synonym = _SYNONYMS.get(name, "")
    if synonym in names:
        return synonym
    return names[0] if len(names) == 1 else nearest(name, names) or ""
