"""What to write instead of a value of the wrong kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.config.spaces import KINDS
from optbench.config.spec import format_value
from optbench.config.suggest import did_you_mean, truth_meant

if TYPE_CHECKING:
    from optbench.catalog.annotations import ValueType
    from optbench.config.node import Node

_LONGEST = 60  # characters of a value that a remedy repeats


def remedy_for(node: Node, type_: ValueType) -> str:
    """The remedy for a value that `type_` doesn't take; empty where none is likely."""
    if node.is_mapping and len(node.mapping) == 1:
        return did_you_mean(next(iter(node.mapping)), KINDS)
    if node.is_sequence:
        return _one_at_a_time(node, type_)
    if "bool" in type_.kinds and (meant := truth_meant(node.value)):
        return meant
    if type_.choices:
        return did_you_mean(str(node.value), (str(c) for c in type_.choices if c is not None))
    if type_.words and isinstance(node.value, str):
        return did_you_mean(node.value, type_.words)
    if "list" in type_.kinds and type_.length in (None, 1) and type_.item.takes(node.value):
        return f"write [{written(node)}]"
    return ""


def _one_at_a_time(node: Node, type_: ValueType) -> str:
    """What to do about a list where one of its items is wanted."""
    if not node.sequence or not all(type_.takes(item.plain()) for item in node.sequence):
        return ""
    if len(node.sequence) == 1:
        return f"write {written(node.sequence[0])}"
    return f"write {{grid: {written(node)}}} to try each"


def written(node: Node) -> str:
    """A scalar or list as its file spells it, where that is one line; else as YAML would."""
    start = node.mark.column - 1
    text = node.mark.text[start : start + node.width]
    if not text or (node.is_sequence and (text[0], text[-1]) != ("[", "]")):
        text = format_value(node.plain())
    short = len(text) <= _LONGEST
    return text if short else "[…]" if node.is_sequence else "…"
