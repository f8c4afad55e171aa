"""Lines that lost their indentation: `optimizer:`, and `name: adam` below it at the margin."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from optbench.config.suggest import VERY_SIMILAR, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from optbench.config.node import Node, Problems


def note_lost_indentation(
    root: Node, parts: Collection[str], known: Collection[str], problems: Problems
) -> Node:
    """Note each empty part whose lines stand at the margin; `root` without those parts and lines.

    Such lines are a `name` right below the part and keys that have no meaning at the top.
    """
    lost: list[str] = []
    for part, lines in _sections(root, parts, known):
        if lines and _is_empty(root.mapping[part]):
            message = "has nothing under it"
            problems.add_at_key(root, part, part, message, "indent the lines below it")
            lost += [part, *lines]
    return replace(root, value={k: node for k, node in root.mapping.items() if k not in lost})


def _sections(
    root: Node, parts: Collection[str], known: Collection[str]
) -> Iterator[tuple[str, list[str]]]:
    """Each part with the keys that follow it, up to the next that has a meaning at the top."""
    names = list(root.mapping)
    for index, part in enumerate(names):
        if part not in parts:
            continue
        lines: list[str] = []
        for name in names[index + 1 :]:
            unknown = not nearest(name, known, VERY_SIMILAR)
            belongs = unknown or (name == "name" and not lines)
            if not (belongs and _is_below(root, part, name)):
                break
            lines.append(name)
        yield part, lines


def _is_below(root: Node, part: str, name: str) -> bool:
    """Whether a key stands in a later line of the same file; a base's keys may come between."""
    if part not in root.key_marks or name not in root.key_marks:
        return False
    above, below = root.key_marks[part][0], root.key_marks[name][0]
    return above.file == below.file and above.line < below.line


def _is_empty(node: Node) -> bool:
    """Whether nothing is written, not even `null`."""
    return node.value is None and not node.mark.text[node.mark.column - 1 :].split("#")[0].strip()
