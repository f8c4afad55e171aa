"""Names that parts of an experiment go by: the catalog's, or import paths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from optbench.catalog.annotations import ValueType
from optbench.catalog.places import folder_of
from optbench.catalog.plugins import anchored, is_import_path
from optbench.catalog.remedies import remedy_for
from optbench.catalog.signatures import SourceNotFoundError
from optbench.catalog.unknown import remedy_for_class, remedy_for_name
from optbench.config.node import child_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optbench.catalog.arguments import Receiver
    from optbench.catalog.entry import Entry
    from optbench.config.node import Node, Problems

EntryT = TypeVar("EntryT")


@dataclass(frozen=True)
class Kind:
    """A kind of part: its noun, what lists it, and whether an unknown one may mean one's own class.

    An unknown data set rather means a well-known one: `ImageNet`.
    """

    noun: str
    listing: str
    own: bool = True


def name_of(node: Node) -> str:
    return str(node.mapping["name"].value)


def without(node: Node, *names: str) -> Node:
    kept = {key: child for key, child in node.mapping.items() if key not in names}
    return replace(node, value=kept)


def entry_named(
    node: Node,
    key: str,
    entries: Mapping[str, EntryT],
    kind: Kind,
    problems: Problems,
) -> EntryT | None:
    """The entry of a part's name; noted where there is none."""
    name, path = node.mapping["name"], child_key(key, "name")
    if not isinstance(name.value, str):
        remedy = remedy_for(name, ValueType(frozenset({"str"})))
        problems.add(name, path, f"must be the name of {kind.noun}, got {name.shown()}", remedy)
        return None
    if name.value not in entries:
        noun, known = kind.noun.partition(" ")[2], tuple(entries)
        if kind.own:
            remedy = remedy_for_class(name.value, folder_of(name), known, kind.listing)
        else:
            remedy = remedy_for_name(name.value, known, kind.listing)
        problems.add(name, path, f"unknown {noun} {name.shown()}", remedy)
    return entries.get(name.value)


def target_of(
    node: Node,
    key: str,
    entries: Mapping[str, Entry],
    kind: Kind,
    problems: Problems,
) -> str:
    """A part's name as the catalog has it, or its import path; empty where it has neither."""
    name = node.mapping["name"]
    if isinstance(name.value, str) and is_import_path(name.value):
        path = anchored(name.value, folder_of(name))
        known = _known_as(path, entries)
        if known is None:
            return path
    else:
        if entry_named(node, key, entries, kind, problems) is None:
            return ""
        known = str(name.value)
    if entries[known].refusal:
        message = f"{name.value} can't be used: {entries[known].refusal}"
        problems.add(name, child_key(key, "name"), message, f"see: optbench list {kind.listing}")
        return ""
    return known


def _known_as(path: str, entries: Mapping[str, Entry]) -> str | None:
    """The name that the catalog has for an import path: `adam` for `torch.optim:Adam`."""
    names = (n for n, entry in entries.items() if entry.target == path and not entry.preset)
    return next(names, None)


def receiver_of(
    find: Callable[[str], Receiver], name: str, node: Node, key: str, problems: Problems
) -> Receiver | None:
    if not name:
        return None
    try:
        return find(name)
    except SourceNotFoundError as error:
        problems.add(node.mapping["name"], child_key(key, "name"), str(error), error.remedy)
        return None
