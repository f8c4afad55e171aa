"""Which values a parameter takes, read from the text of its annotation."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import reduce

_KINDS = {
    "int": "int", "float": "float", "bool": "bool", "str": "str", "None": "none",
    "tuple": "list", "list": "list", "Tuple": "list", "List": "list",
    "Iterable": "list", "Sequence": "list", "dict": "mapping", "Mapping": "mapping",
}  # fmt: skip
# A value of one of these can't be written in YAML; the rest of a union can.
_UNWRITABLE = {"Tensor", "Callable", "Module", "Optimizer", "LRScheduler"}
UNWRITABLE = "unwritable"


@dataclass(frozen=True)
class ValueType:
    """Kinds of values, kinds of a list's items and its length, and a Literal's choices.

    No kinds means anything; no length any; no choices all. `words` are taken beside the kinds.
    """

    kinds: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()
    length: int | None = None
    choices: tuple[object, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def item(self) -> ValueType:
        """What a list's items are."""
        return ValueType(self.items)

    @property
    def only_whole(self) -> bool:
        """Whether the numbers it takes are whole ones."""
        return "int" in self.kinds and "float" not in self.kinds

    def fit(self, value: object) -> object:
        """The value as one of these kinds: 1 as 1.0 where only floats are taken, 1e2 as 100.

        Raises ValueError where it is none of them.
        """
        kind = kind_of(value)
        if not self.kinds or kind in self.kinds or value in self.words:
            fitting = value
        elif isinstance(value, int) and kind == "int" and "float" in self.kinds:
            fitting = float(value)  # torch insists on it here and there: betas, pct_start
        elif isinstance(value, float) and "int" in self.kinds and _is_whole(value):
            fitting = int(value)
        else:
            raise ValueError(f"{value!r} does not fit")
        if self.choices and fitting not in self.choices:
            raise ValueError(f"{value!r} is no choice")
        return fitting

    def takes(self, value: object) -> bool:
        """Whether a value fits."""
        try:
            self.fit(value)
        except ValueError:
            return False
        return True


def _is_whole(value: float) -> bool:
    """Whether it is an integer of 64 bits, as those that are written without an exponent are."""
    return value.is_integer() and abs(value) < 2**63


ANYTHING = ValueType()


def kind_of(value: object) -> str:
    """The kind of a plain value, in the words of `ValueType.kinds`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "bool"
    names: dict[type, str] = {int: "int", float: "float", str: "str", dict: "mapping"}
    return names.get(type(value), "list")


def read_annotation(node: ast.expr | None) -> ValueType:
    """What an annotation says; one that isn't understood allows anything."""
    match node:
        case None:
            return ANYTHING
        case ast.Constant(value=str(text)):
            return _quoted(text)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([left, right])
        case ast.Subscript(value=outer, slice=ast.Tuple(elts=inner)):
            return _subscript(_name(outer), inner)
        case ast.Subscript(value=outer, slice=inner_one):
            return _subscript(_name(outer), [inner_one])
    return _named(_name(node))


def _quoted(text: str) -> ValueType:
    try:
        return read_annotation(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError):
        return ANYTHING


def _named(name: str) -> ValueType:
    kind = UNWRITABLE if name in _UNWRITABLE else _KINDS.get(name)
    return ValueType(frozenset({kind})) if kind else ANYTHING


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _subscript(outer: str, inner: list[ast.expr]) -> ValueType:
    if outer == "Literal":
        choices = tuple(e.value for e in inner if isinstance(e, ast.Constant))
        return ValueType(frozenset(map(kind_of, choices)), choices=choices)
    if outer == "Optional":
        return _union([*inner, ast.Constant(None)])
    if outer == "Union":
        return _union(inner)
    if _KINDS.get(outer) != "list":
        return _named(outer)
    items = [e for e in inner if not (isinstance(e, ast.Constant) and e.value is ...)]
    fixed = outer in ("tuple", "Tuple") and len(items) == len(inner)
    length = len(items) if fixed else None
    return ValueType(frozenset({"list"}), _union(items).kinds, length)


def _union(members: list[ast.expr]) -> ValueType:
    types = [read_annotation(member) for member in members]
    if not all(type_.kinds for type_ in types):  # a type of its own name: anything may be meant
        return ANYTHING
    return _without_unwritable(reduce(_either, types))


def _either(a: ValueType, b: ValueType) -> ValueType:
    choices = a.choices + b.choices
    if choices and "none" in a.kinds | b.kinds and None not in choices:
        choices += (None,)
    lists = [type_ for type_ in (a, b) if "list" in type_.kinds]
    length = lists[0].length if len({type_.length for type_ in lists}) == 1 else None
    return ValueType(a.kinds | b.kinds, a.items | b.items, length, choices)


def _without_unwritable(type_: ValueType) -> ValueType:
    kinds = type_.kinds - {UNWRITABLE} or type_.kinds
    return ValueType(kinds, type_.items - {UNWRITABLE}, type_.length, type_.choices)
