"""A YAML value that knows where it stands, and the list of what is wrong with a file."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NoReturn, TypeAlias

from optbench.errors import ConfigError, Mark, Problem

Scalar: TypeAlias = bool | int | float | str | None
Plain: TypeAlias = Scalar | list["Plain"] | dict[str, "Plain"]

MAX_DEPTH = 50
MAX_NODES = 50_000  # after aliases are expanded; PyYAML reads as many in under a second
MAX_SHOWN = 60  # characters of a text that a message repeats
INTEGERS = range(-(2**63), 2**63)

_NO_KEYS: Mapping[str, tuple[Mark, int]] = MappingProxyType({})


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """A scalar, a tuple of nodes, or a dict from key to node in the order written."""

    value: Scalar | tuple[Node, ...] | dict[str, Node]
    mark: Mark
    width: int = 0  # characters to underline
    key_marks: Mapping[str, tuple[Mark, int]] = field(default_factory=lambda: _NO_KEYS)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_sequence(self) -> bool:
        return isinstance(self.value, tuple)

    @property
    def is_scalar(self) -> bool:
        return not isinstance(self.value, dict | tuple)

    @property
    def mapping(self) -> dict[str, Node]:
        """The children by key; raises TypeError where this is no mapping."""
        if isinstance(self.value, dict):
            return self.value
        raise TypeError(f"{self.kind()} is not a mapping")

    @property
    def sequence(self) -> tuple[Node, ...]:
        """The elements; raises TypeError where this is no list."""
        if isinstance(self.value, tuple):
            return self.value
        raise TypeError(f"{self.kind()} is not a list")

    def children(self, key: str = "") -> Iterator[tuple[str, Node]]:
        """The direct children, each with its path below `key`: `key.name` or `key[0]`."""
        if isinstance(self.value, dict):
            for name, child in self.value.items():
                yield child_key(key, name), child
        elif isinstance(self.value, tuple):
            for index, child in enumerate(self.value):
                yield child_key(key, index), child

    def plain(self) -> Plain:
        """The same as None, bool, int, float, str, list and dict."""
        if isinstance(self.value, dict):
            return {name: child.plain() for name, child in self.value.items()}
        if isinstance(self.value, tuple):
            return [child.plain() for child in self.value]
        return self.value

    def kind(self) -> str:
        """What this is, in a message's words: `a number`, `a list`, `text`…"""
        match self.value:
            case None:
                return "nothing"
            case bool():
                return "true/false"
            case str():
                return "text"
            case tuple():
                return "a list"
            case dict():
                return "a mapping"
        return "a number"

    def shown(self) -> str:
        """The value as a message repeats it after `got`: short, quoted if text."""
        match self.value:
            case bool():
                return str(self.value).lower()
            case str():
                return shown_text(self.value)
            case int() | float():
                return str(self.value)
        return self.kind()

    def with_key(self, name: str, child: Node, at: tuple[Mark, int]) -> Node:
        """This mapping with one key set; a new key goes last."""
        return replace(
            self, value={**self.mapping, name: child}, key_marks={**self.key_marks, name: at}
        )


class Problems:
    """Collects the mistakes of an experiment, to be reported all at once."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, where: Node | Mark, key: str, message: str, remedy: str = "") -> None:
        """Note a mistake in a value."""
        if isinstance(where, Node):
            self.include(Problem(where.mark, key, message, remedy, where.width))
        else:
            self.include(Problem(where, key, message, remedy))

    def add_at_key(
        self, mapping: Node, name: str, path: str, message: str, remedy: str = ""
    ) -> None:
        """Note a mistake in a key of `mapping`, or in the mapping where the key has no place."""
        mark, width = mapping.key_marks.get(name, (mapping.mark, mapping.width))
        self.include(Problem(mark, path, message, remedy, width))

    def include(self, *problems: Problem) -> None:
        """Note mistakes found elsewhere; one noted before counts once."""
        self._found.update(dict.fromkeys(problems))

    @property
    def noted(self) -> tuple[Problem, ...]:
        """All of them, by file and line."""
        return tuple(sorted(self._found, key=_place))

    def raise_if_any(self) -> None:
        """Raises ConfigError with all of them."""
        if self._found:
            raise ConfigError(self.noted)


def refuse(where: Node | Mark, key: str, message: str, remedy: str = "") -> NoReturn:
    """Raises ConfigError with this one mistake."""
    problems = Problems()
    problems.add(where, key, message, remedy)
    problems.raise_if_any()
    raise AssertionError("unreachable")


def child_key(key: str, child: str | int) -> str:
    """The dotted path of a child: `optimizer[0].lr`."""
    if isinstance(child, int):
        return f"{key}[{child}]"
    name = printable(shortened(child))
    return f"{key}.{name}" if key else name


def shown_text(text: str) -> str:
    """`text` in quotes, shortened, without characters that a terminal would obey."""
    return printable(repr(shortened(text)))


def shortened(text: str) -> str:
    """At most the first 60 characters."""
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def printable(text: str) -> str:
    """`text` with escapes for what can't be printed or encoded."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def from_plain(value: object, mark: Mark) -> Node:
    """Nodes for plain Python data (tuples count as lists, numpy's numbers as numbers).

    Raises ConfigError for other types, keys that are no text, and what exceeds the bounds of
    a file: depth, number of values, integers beyond 64 bits.
    """
    return _PlainReader(mark).node(value, depth=1, key="")


class _PlainReader:
    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.count = 0

    def node(self, value: object, depth: int, key: str) -> Node:
        self.count += 1
        if depth > MAX_DEPTH:
            refuse(self.mark, "", f"must not be nested deeper than {MAX_DEPTH}, or in itself")
        if self.count > MAX_NODES:
            refuse(self.mark, "", f"must hold at most {MAX_NODES:,} values")
        if isinstance(value, Mapping):
            return self._mapping(value, depth, key)
        if isinstance(value, list | tuple):
            items = (
                self.node(item, depth + 1, child_key(key, index))
                for index, item in enumerate(value)
            )
            return Node(tuple(items), self.mark)
        return Node(self._scalar(value, key), self.mark)

    def _mapping(self, value: Mapping[object, object], depth: int, key: str) -> Node:
        children: dict[str, Node] = {}
        for name, child in value.items():
            if not isinstance(name, str):
                refuse(self.mark, key, f"a key must be text, got {name!r}")
            children[name] = self.node(child, depth + 1, child_key(key, name))
        return Node(children, self.mark, 0, dict.fromkeys(children, (self.mark, 0)))

    def _scalar(self, value: object, key: str) -> Scalar:
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, numbers.Integral):
            if int(value) not in INTEGERS:
                refuse(self.mark, key, "an integer must fit into 64 bits")
            return int(value)
        if isinstance(value, numbers.Real):
            return float(value)
        refuse(
            self.mark,
            key,
            f"must be a number, text, true/false, a list or a mapping, got {type(value).__name__}",
        )


def _place(problem: Problem) -> tuple[str, int, int]:
    return problem.mark.file, problem.mark.line, problem.mark.column
