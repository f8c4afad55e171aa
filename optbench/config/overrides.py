"""Settings given on the command line: `--set optimizer.lr=1e-2`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optbench.config.extends import named_part
from optbench.config.node import MAX_DEPTH, Node, Problems, child_key, from_plain, printable, refuse
from optbench.config.spaces import space_kind
from optbench.config.yaml_source import parse
from optbench.errors import ConfigError, Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEP = re.compile(r"(?P<name>[^.\[\]\s]+)(?P<indices>(\[[0-9]{1,9}\])*)")


def apply(root: Node, assignments: Sequence[str]) -> Node:
    """The tree with each `key.path=value` set, in their order.

    The value is YAML. A name below a list sets it in every item, `optimizer[0].lr` in one;
    missing mappings are created; `optimizer: adam` becomes `{name: adam}` to hold what is set
    below it. Raises ConfigError with every assignment that can't be made.
    """
    problems = Problems()
    for assignment in assignments:
        try:
            root = _Assignment.read(assignment).within(root, "", 0)
        except ConfigError as error:
            problems.include(*error.problems)
    problems.raise_if_any()
    return root


@dataclass(frozen=True)
class _Assignment:
    steps: tuple[str | int, ...]
    value: Node
    mark: Mark

    @classmethod
    def read(cls, assignment: str) -> _Assignment:
        mark = Mark(f"--set {printable(assignment)}")
        key, equals, text = assignment.partition("=")
        if not equals:
            key = key.strip()
            remedy = f"--set {printable(key)}=VALUE" if key else "--set optimizer.lr=1e-2"
            refuse(mark, "", "must be key=value, has no '='", remedy)
        return cls(_steps(key.strip(), mark), _value(key.strip(), text, mark), mark)

    def within(self, node: Node, key: str, position: int) -> Node:
        """`node`, which stands at `key` after `position` steps, with the value set in it."""
        if position == len(self.steps):
            return self.value
        step = self.steps[position]
        if isinstance(step, int):
            return self._in_item(node, key, step, position)
        if node.value is None:
            node = Node({}, self.mark)
        node = named_part(node, key)
        if isinstance(node.value, tuple):
            return self._in_every_item(node, key, position)
        return self._in_mapping(node, key, step, position)

    def _in_item(self, node: Node, key: str, index: int, position: int) -> Node:
        if not isinstance(node.value, tuple):
            rule = f"must be a list to take [{index}], is {node.kind()}"
            refuse(self.mark, key, rule, f"leave out [{index}]")
        items = list(node.value)
        if index >= len(items):
            has = f"has {len(items)} item{'s' if len(items) != 1 else ''}, counted from 0"
            refuse(self.mark, key, f"{has}: there is no [{index}]")
        items[index] = self.within(items[index], child_key(key, index), position + 1)
        return replace(node, value=tuple(items))

    def _in_every_item(self, node: Node, key: str, position: int) -> Node:
        if not node.value:
            refuse(self.mark, key, "is an empty list: there is no item to set it in")
        items = (self.within(item, path, position) for path, item in node.children(key))
        return replace(node, value=tuple(items))

    def _in_mapping(self, node: Node, key: str, name: str, position: int) -> Node:
        path = child_key(key, name)
        if not node.is_mapping:
            refuse(self.mark, path, f"can't be set: {key} is {node.shown()}, not a mapping")
        space = space_kind(node)
        if space and space != name:
            refuse(self.mark, path, f"can't be set: {key} is a {space}", f"set {key} as a whole")
        below = node.mapping.get(name) or Node(None, self.mark)
        return node.with_key(name, self.within(below, path, position + 1), (self.mark, 0))


def _steps(key: str, mark: Mark) -> tuple[str | int, ...]:
    if not key:
        refuse(mark, "", "must be key=value, has no key", "--set optimizer.lr=1e-2")
    steps: list[str | int] = []
    for part in key.split("."):
        step = _STEP.fullmatch(part)
        if step is None:
            rule = "a key must be names with dots between them, like optimizer[0].lr"
            refuse(mark, "", f"{rule}, got '{printable(key)}'")
        steps.append(step["name"])
        steps.extend(int(index) for index in re.findall(r"[0-9]+", step["indices"]))
    if len(steps) > MAX_DEPTH:
        refuse(mark, "", f"a key must have at most {MAX_DEPTH} names and indices")
    return tuple(steps)


def _value(key: str, text: str, mark: Mark) -> Node:
    if not text.strip():
        refuse(mark, key, "has no value after '='", "write null for none, '\"\"' for empty text")
    try:
        return from_plain(parse(text, mark.file).plain(), mark)
    except ConfigError as error:
        problems = Problems()
        for problem in error.problems:
            problems.add(mark, key, problem.message, problem.remedy)
        problems.raise_if_any()
        raise
