"""Keys of a mapping against those that have a meaning."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from optbench.config.node import child_key
from optbench.config.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optbench.config.node import Node, Problems

_NOWHERE: Mapping[str, str] = MappingProxyType({})


def check_keys(
    node: Node,
    key: str,
    known: tuple[str, ...],
    problems: Problems,
    elsewhere: Mapping[str, str] = _NOWHERE,
) -> set[str]:
    """Note every unknown key of a mapping, with the nearest known one.

    `elsewhere` holds the paths of keys that have their place below one of `known`. Returns the
    known keys that are there, if only misspelled: they aren't missing as well.
    """
    found = set()
    for name in node.mapping:
        meant = name if name in known else nearest(name, (*known, *elsewhere))
        if name not in known:
            suggestion = elsewhere.get(meant or "", meant)
            listed = f"known keys: {', '.join(known)}"
            remedy = f"did you mean '{suggestion}'?" if suggestion else listed
            problems.add_at_key(node, name, child_key(key, name), "unknown key", remedy)
        if meant in known:
            found.add(meant)
    return found
