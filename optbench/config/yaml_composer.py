"""Builds nodes from PyYAML's events: without recursion, within bounds, without YAML's surprises.

PyYAML's own composer recurses, and its C loader crashes on 100 kB of brackets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from optbench.config.node import (
    MAX_DEPTH,
    MAX_NODES,
    Node,
    Problems,
    Scalar,
    child_key,
    refuse,
    shortened,
    shown_text,
)
from optbench.config.scalars import resolve
from optbench.config.yaml_syntax import reworded
from optbench.config.yaml_text import Place, YamlText, forbidden_character
from optbench.errors import Mark, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PROBLEMS = 50
CHARACTERS_PER_NODE = 64  # a long text counts as several values: aliases can multiply it

_QUOTE = "put it in quotes if it is text"


@dataclass(frozen=True, slots=True)
class _Made:
    """A finished value, and what its aliases add to the document."""

    node: Node
    size: int = 1
    height: int = 1


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been read yet."""

    start: yaml.CollectionStartEvent
    items: list[Node] = field(default_factory=list)
    children: dict[str, Node] = field(default_factory=dict)
    key_places: dict[str, Place] = field(default_factory=dict)
    key: str | None = None  # None while a value is read whose key was refused
    awaits_value: bool = False
    size: int = 1
    height: int = 1

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.start, yaml.MappingStartEvent)

    def take(self, made: _Made) -> None:
        """Take a list's next item or the value of the mapping's last key."""
        self.size += made.size
        self.height = max(self.height, made.height + 1)
        if not self.is_mapping:
            self.items.append(made.node)
        elif self.key is not None:
            self.children[self.key] = made.node
        self.await_value(None, awaits=False)

    def await_value(self, key: str | None, *, awaits: bool = True) -> None:
        self.key, self.awaits_value = key, awaits

    def remedy_for_repetition(self) -> str:
        """What to do about a key that stands twice: it may belong to an empty one above it."""
        above = next(reversed(self.children), None)
        if above is None or self.children[above].value is not None:
            return "keep one"
        return f"keep one, or indent it if it belongs to '{above}'"

    def made(self, place: Place) -> _Made:
        value = self.children if self.is_mapping else tuple(self.items)
        return _Made(Node(value, *place, self.key_places), self.size, self.height)


class Composer:
    """Builds the root of the one document in a text."""

    def __init__(self, source: YamlText) -> None:
        self._source = source
        self._problems = Problems()
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Made | None] = {}  # None: not finished
        self._documents = 0
        self._size = 0
        self._root: Node | None = None

    def document(self) -> Node:
        """The document's root; raises ConfigError with all that is wrong with it."""
        for event in self._events():
            self._take(event)
            if len(self._problems) >= MAX_PROBLEMS:
                break
        self._problems.raise_if_any()
        if self._root is None:
            refuse(Mark(self._source.file), "", "must not be empty")
        return self._root

    def _events(self) -> Iterator[yaml.Event]:
        reached = self._source.point(0, 0)
        try:
            for event in yaml.parse(self._source.text, Loader=yaml.SafeLoader):
                reached = self._source.end_of(event)
                yield event
        except yaml.MarkedYAMLError as error:
            mark, message, remedy = reworded(error)
            self._stop(
                self._source.point(mark.line, mark.column) if mark else reached, message, remedy
            )
        except (ValueError, OverflowError):  # PyYAML lets those of chr() and int() through
            self._stop(reached, "an escape or a version number in what follows is too large")

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(event)
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.CollectionStartEvent():
                self._start_collection(event)
            case yaml.CollectionEndEvent():
                self._end_collection(event)

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            rule = "a file must hold one document, here starts another"
            self._stop(self._source.place(event), rule, "give it a file of its own")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        place = self._source.place(event)
        self._refuse_tag(event, place)
        size = 1 + len(event.value) // CHARACTERS_PER_NODE
        self._bound(place, size, height=0)
        made = _Made(Node(self._value(event, place), *place), size)
        self._finish(event, made, place, merges=event.value == "<<" and event.style is None)

    def _value(self, event: yaml.ScalarEvent, place: Place) -> Scalar:
        if name := forbidden_character(event.value):
            self._add(place, f"{name} is not allowed in text")
        if event.style is not None:
            return event.value
        try:
            return resolve(event.value)
        except ValueError as error:
            self._add(place, str(error), _QUOTE)
            return event.value

    def _alias(self, event: yaml.AliasEvent) -> None:
        place = self._source.place(event)
        made = self._anchors.get(str(event.anchor))
        if made is None:
            fault = "contains itself" if event.anchor in self._anchors else "has no anchor"
            self._add(place, f"the alias '*{event.anchor}' {fault}", "write the value out")
            made = _Made(Node(None, *place))
        self._bound(place, made.size, made.height)
        self._place(made, place)

    def _start_collection(self, event: yaml.CollectionStartEvent) -> None:
        place = self._source.place(event)
        self._refuse_tag(event, place)
        self._bound(place, size=1, height=1)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(event))

    def _end_collection(self, event: yaml.CollectionEndEvent) -> None:
        whole = self._stack.pop()
        place = self._source.place(whole.start, event)
        self._finish(whole.start, whole.made(place), place)

    def _finish(
        self, event: yaml.NodeEvent, made: _Made, place: Place, *, merges: bool = False
    ) -> None:
        if event.anchor is not None:
            self._anchors[event.anchor] = made
        self._place(made, place, merges=merges)

    def _place(self, made: _Made, place: Place, *, merges: bool = False) -> None:
        """Make a value the root, a list's item, or a mapping's key or value."""
        if not self._stack:
            self._root = made.node
            return
        parent = self._stack[-1]
        if parent.is_mapping and not parent.awaits_value:
            parent.await_value(self._key(made.node, place, merges=merges))
        else:
            parent.take(made)

    def _key(self, node: Node, place: Place, *, merges: bool) -> str | None:
        """The key that a value makes, or None after noting why it can't be one."""
        key, places = node.value, self._stack[-1].key_places
        if not isinstance(key, str):
            self._add(place, f"a key must be text, got {node.shown()}", "put it in quotes")
        elif merges:
            self._add(place, "merge keys are not allowed", "use 'extends: base.yaml'", key)
        elif key in places:
            rule = f"a key must stand once, is in line {places[key][0].line} already"
            self._add(place, rule, self._stack[-1].remedy_for_repetition(), key)
        else:
            places[key] = place
            return key
        return None

    def _refuse_tag(
        self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, place: Place
    ) -> None:
        if event.tag is not None:
            rule = f"tags are not allowed, got {shown_text(event.tag)}"
            self._add(place, rule, "remove it; quote text that starts with '!'")

    def _bound(self, place: Place, size: int, height: int) -> None:
        self._size += size
        if self._size > MAX_NODES:
            self._stop(place, f"a file must hold at most {MAX_NODES:,} values, aliases expanded")
        if len(self._stack) + height > MAX_DEPTH:
            self._stop(place, f"values must not be nested deeper than {MAX_DEPTH}")

    def _add(self, place: Place, message: str, remedy: str = "", key: str = "") -> None:
        mark, width = place
        path = child_key(self._path(), key) if key else self._path()
        self._problems.include(Problem(mark, shortened(path), message, remedy, width))

    def _stop(self, place: Place, message: str, remedy: str = "") -> None:
        """Raises ConfigError with what was found so far and this, which ends the reading."""
        self._add(place, message, remedy)
        self._problems.raise_if_any()

    def _path(self) -> str:
        """The dotted path of the value being read."""
        path = ""
        for collection in self._stack:
            if not collection.is_mapping:
                path = child_key(path, len(collection.items))
            elif collection.key is not None:
                path = child_key(path, collection.key)
        return path
