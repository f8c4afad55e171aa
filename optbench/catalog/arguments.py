"""Arguments written in YAML, checked against the signature of what is to receive them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from optbench.catalog.fitting import check_finite, check_value
from optbench.config.node import Node, Plain, Problems, child_key
from optbench.config.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from optbench.catalog.rules import Relation, Rule
    from optbench.catalog.signatures import Parameter, Signature

# What people call an argument in other libraries or in prose.
_SYNONYMS = {
    "learning_rate": "lr", "beta": "betas", "epsilon": "eps", "l2": "weight_decay",
    "batch": "batch_size", "hidden_sizes": "hidden",
}  # fmt: skip


Arguments = dict[str, Plain]


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
            rule = receiver.rules.get(name)
            values[name] = check_value(node.mapping[name], path, parameter.type, rule, problems)
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


def _further(
    node: Node, key: str, values: Mapping[str, Plain], problems: Problems
) -> dict[str, Plain]:
    """What a signature with **kwargs takes beyond its names."""
    further = {name: child for name, child in node.mapping.items() if name not in values}
    for name, child in further.items():
        check_finite(child, child_key(key, name), problems)
    return {name: child.plain() for name, child in further.items()}


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
