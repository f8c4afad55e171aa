"""Files that build on others: `extends: base.yaml`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from optbench.config.node import Node, child_key, refuse
from optbench.config.spaces import space_kind
from optbench.config.yaml_source import load

if TYPE_CHECKING:
    from pathlib import Path

MAX_BASES = 10

_PART = re.compile(
    r"(dataset|model|objective|optimizer|schedule)(\[\d+\])?"
    r"|optimizer(\[\d+\])?\.schedule|dataset(\[\d+\])?(\.fallback)?\.normalize"
    r"|dataset(\[\d+\])?\.fallback|training\.(average|loss|metrics\[\d+\])"
)


def resolve(path: Path) -> Node:
    """The mapping in a file, merged over that of the file it extends, and so on.

    Mappings merge, lists, scalars and spaces replace, and so does a mapping with another
    `name`. At the top, where `name` is the experiment's, only the first file's counts. Raises
    ConfigError.
    """
    chain = [path]
    layers = [_top_mapping(path)]
    while (extends := layers[-1].mapping.get("extends")) is not None:
        chain.append(_base(chain, extends))
        layers.append(_top_mapping(chain[-1]))
    # Each file names its own runs: a child of a named base must not write into its folder.
    stack = [_without(layers[0], "extends")]
    stack += [_without(layer, "extends", "name") for layer in layers[1:]]
    merged = stack.pop()
    while stack:
        merged = _merged(merged, stack.pop(), "")
    return merged


def named_part(node: Node, key: str) -> Node:
    """`adam` as `{name: adam}` where `key` is that of a part; anything else as it is."""
    if not (isinstance(node.value, str) and _PART.fullmatch(key)):
        return node
    return Node({"name": node}, node.mark, node.width, {"name": (node.mark, node.width)})


def _top_mapping(path: Path) -> Node:
    node = load(path)
    if not node.is_mapping:
        refuse(
            node,
            "",
            f"an experiment must be a mapping of keys to values, got {node.shown()}",
            "write 'dataset: mnist', 'model: …', 'optimizer: …'",
        )
    return node


def _base(chain: list[Path], extends: Node) -> Path:
    """The path that `extends` names; raises ConfigError where it can't be followed."""
    if not isinstance(extends.value, str):
        refuse(extends, "extends", f"must be the path of a YAML file, got {extends.shown()}")
    base = chain[-1].parent / extends.value
    if not _is_file(base):
        refuse(extends, "extends", f"there is no file {base}", "the path starts at this file")
    if base.resolve() in [path.resolve() for path in chain]:
        circle = " → ".join(str(path) for path in [*chain, base])
        refuse(extends, "extends", f"files can't extend each other in a circle: {circle}")
    if len(chain) > MAX_BASES:
        refuse(extends, "extends", f"at most {MAX_BASES} files can be extended in a row")
    return base


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long, a folder that can't be searched
        return False


def _without(node: Node, *names: str) -> Node:
    children = {name: child for name, child in node.mapping.items() if name not in names}
    marks = {name: place for name, place in node.key_marks.items() if name not in names}
    return replace(node, value=children, key_marks=marks)


def _merged(base: Node, over: Node, key: str) -> Node:
    if base.is_mapping != over.is_mapping:
        base, over = named_part(base, key), named_part(over, key)
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    if space_kind(base) or space_kind(over) or (key and _renames(base, over)):
        return over
    children = dict(base.value)
    for name, child in over.value.items():
        below = children.get(name)
        children[name] = _merged(below, child, child_key(key, name)) if below else child
    return replace(over, value=children, key_marks={**base.key_marks, **over.key_marks})


def _renames(base: Node, over: Node) -> bool:
    """Whether `over` gives the mapping another name, so that the base's keys aren't its own."""
    if "name" not in base.mapping or "name" not in over.mapping:
        return False
    return base.mapping["name"].plain() != over.mapping["name"].plain()
