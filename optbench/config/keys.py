"""Keys of a mapping against those that have a meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.config.node import child_key
from optbench.config.suggest import nearest

if TYPE_CHECKING:
    from optbench.config.node import Node, Problems


def check_keys(node: Node, key: str, known: tuple[str, ...], problems: Problems) -> set[str]:
    """Note every unknown key of a mapping, with the nearest known one.

    Returns the known keys that are there, if only misspelled: they aren't missing as well.
    """
    found = set()
    for name in node.mapping:
        meant = name if name in known else nearest(name, known)
        if name not in known:
            remedy = f"did you mean '{meant}'?" if meant else f"known keys: {', '.join(known)}"
            problems.add_at_key(node, name, child_key(key, name), "unknown key", remedy)
        if meant:
            found.add(meant)
    return found
