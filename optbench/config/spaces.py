"""Spaces: values written as `{grid: […]}`, `{logspace: [a, b, n]}`… that stand for several.

`grid`, `linspace` and `logspace` are finite and expand into points. `uniform`, `loguniform` and
`integer` are ranges for tuning and stay as they are.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, TypeGuard, cast, get_args

from optbench.config.canonical import canonical_json
from optbench.config.node import Node, Problems, child_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Kind = Literal["grid", "linspace", "logspace", "uniform", "loguniform", "integer"]

KINDS = get_args(Kind)
TUNING = ("uniform", "loguniform", "integer")
MIN_POINTS, MAX_POINTS = 2, 10_000
SIGNIFICANT_DIGITS = 12  # so that a point reads 0.3, not 0.30000000000000004


def space_kind(node: Node) -> Kind | None:
    """Which space a node is: a mapping is one if its only key is one of the six names."""
    if isinstance(node.value, dict) and len(node.value) == 1:
        (name,) = node.value
        return cast("Kind", name) if name in KINDS else None
    return None


def check_spaces(node: Node, problems: Problems, key: str = "") -> None:
    """Note every mistake in the spaces of a tree; the other functions here need it to pass."""
    kind = space_kind(node)
    if kind is None:
        for path, child in node.children(key):
            check_spaces(child, problems, path)
    elif kind == "grid":
        _check_grid(node, problems, key)
    else:
        _check_range(node, kind, problems, key)


def spaces(node: Node, key: str = "") -> Iterator[tuple[str, Node]]:
    """All spaces in a tree, each with its path."""
    if space_kind(node):
        yield key, node
    else:
        for path, child in node.children(key):
            yield from spaces(child, path)


def tuning_spaces(node: Node, key: str = "") -> list[tuple[str, Node]]:
    """The ranges for tuning in a tree, each with its path."""
    return [(path, space) for path, space in spaces(node, key) if space_kind(space) in TUNING]


def ends(space: Node) -> tuple[int | float, int | float]:
    """The lower and the upper end of a range."""
    low, high = _arguments(space)[:2]
    return _number(low), _number(high)


def points(space: Node) -> tuple[Node, ...]:
    """The points of a finite space."""
    return _points(space)


def filled(node: Node, choose: Callable[[str, Node], Node], key: str = "") -> Node:
    """The tree with `choose(path, space)` in the place of every space."""
    if space_kind(node):
        return choose(key, node)
    children = [filled(child, choose, path) for path, child in node.children(key)]
    match node.value:
        case dict():
            return replace(node, value=dict(zip(node.value, children, strict=True)))
        case tuple():
            return replace(node, value=tuple(children))
    return node


def count(node: Node) -> int:
    """How many points `expand` gives, without building them."""
    return math.prod(_size(space) for _, space in _finite(node))


def expand(node: Node) -> Iterator[Node]:
    """Every combination of the points of a tree's finite spaces.

    The space written first varies slowest. What holds no space is shared between the results.
    """
    for choice in itertools.product(*(_points(space) for _, space in _finite(node))):
        yield _substitute(node, iter(choice))


def first(node: Node) -> Node:
    """The tree with one point for every space, for a trial run.

    That is the first point of a finite space, the lower end of `integer`, and the middle of
    `uniform` and `loguniform` (the geometric middle for the latter).
    """
    if space_kind(node):
        return _points(node)[0]
    return _rebuilt(node, first)


def _finite(node: Node) -> Iterator[tuple[str, Node]]:
    return ((path, space) for path, space in spaces(node) if space_kind(space) not in TUNING)


def _substitute(node: Node, choice: Iterator[Node]) -> Node:
    kind = space_kind(node)
    if kind:
        return node if kind in TUNING else next(choice)
    return _rebuilt(node, lambda child: _substitute(child, choice))


def _rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with its children changed; the node itself where none changed."""
    value: tuple[Node, ...] | dict[str, Node]
    match node.value:
        case dict():
            value = {name: change(child) for name, child in node.value.items()}
            changed = any(value[name] is not child for name, child in node.value.items())
        case tuple():
            value = tuple(change(child) for child in node.value)
            changed = any(new is not old for new, old in zip(value, node.value, strict=True))
        case _:
            return node
    return replace(node, value=value) if changed else node


def _arguments(space: Node) -> tuple[Node, ...]:
    (arguments,) = space.mapping.values()
    return arguments.sequence


def _size(space: Node) -> int:
    arguments = _arguments(space)
    return len(arguments) if space_kind(space) == "grid" else int(_number(arguments[2]))


def _points(space: Node) -> tuple[Node, ...]:
    """The points of a finite space; the one that `first` takes of a range for tuning."""
    kind, arguments = space_kind(space), _arguments(space)
    if kind == "grid":
        return arguments
    low, high = _number(arguments[0]), _number(arguments[1])
    match kind:
        case "linspace":
            values = linspace(low, high, _size(space))
        case "logspace":
            values = logspace(low, high, _size(space))
        case "uniform":
            values = [_rounded(_between(low, high, 1, 2))]
        case "loguniform":
            values = [_rounded(_log_between(low, high, 1, 2))]
        case _:
            values = [int(low)]
    return tuple(Node(value, space.mark, space.width) for value in values)


def linspace(low: float, high: float, number: int) -> list[float]:
    """`number` evenly spaced points with both ends; integers if all of them are whole."""
    return _with_ends(low, high, number, _between)


def logspace(low: float, high: float, number: int) -> list[float]:
    """`number` points in equal ratios, from `low` to `high` themselves; integers if all whole."""
    return _with_ends(low, high, number, _log_between)


def _with_ends(
    low: float, high: float, number: int, between: Callable[[float, float, int, int], float]
) -> list[float]:
    steps = number - 1
    inner = [_rounded(between(low, high, step, steps)) for step in range(1, steps)]
    if isinstance(low, int) and isinstance(high, int) and all(map(float.is_integer, inner)):
        return [low, *map(int, inner), high]
    return [float(low), *inner, float(high)]


def _between(low: float, high: float, step: int, steps: int) -> float:
    # Exact on the decimals as written: 0 lies in the middle of -0.3 and 0.3, not 5.6e-17.
    return float((Fraction(repr(low)) * (steps - step) + Fraction(repr(high)) * step) / steps)


def _log_between(low: float, high: float, step: int, steps: int) -> float:
    # In logarithms, as high / low may overflow.
    start, stop = math.log10(low), math.log10(high)
    return float(10 ** (start + (stop - start) * step / steps))


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def _check_grid(space: Node, problems: Problems, key: str) -> None:
    elements = space.mapping["grid"]
    path = child_key(key, "grid")
    if not isinstance(elements.value, tuple):
        problems.add(
            elements, path, f"must be a list of values, got {elements.shown()}", "grid: [a, b]"
        )
    elif not elements.value:
        problems.add(elements, path, "must hold at least one value, is empty")
    else:
        _check_elements(elements, problems, path)


def _check_elements(elements: Node, problems: Problems, path: str) -> None:
    seen: set[str] = set()
    for element_path, element in elements.children(path):
        nested = list(spaces(element, element_path))
        for inner_path, inner in nested:
            problems.add(inner, inner_path, "a space can't stand in a grid", "write its values out")
        spelling = _spelling(element)
        if spelling in seen:
            problems.add(
                element, element_path, f"a grid holds each value once, got {element.shown()} again"
            )
        seen.add(spelling)


def _spelling(element: Node) -> str:
    plain = element.plain()
    try:
        return canonical_json(plain)
    except ValueError:  # not finite: whether that may be is its key's rule
        return repr(plain)


def _check_range(space: Node, kind: Kind, problems: Problems, key: str) -> None:
    (arguments,) = space.mapping.values()
    path = child_key(key, kind)
    names = ("a", "b", "n") if kind in ("linspace", "logspace") else ("a", "b")
    if not isinstance(arguments.value, tuple) or len(arguments.value) != len(names):
        got = (
            f"a list of {len(arguments.value)}"
            if isinstance(arguments.value, tuple)
            else arguments.shown()
        )
        problems.add(arguments, path, f"must be [{', '.join(names)}], got {got}")
        return
    found = len(problems)
    _check_ends(arguments, kind, problems, path)
    if len(names) == 3:
        _check_number_of_points(arguments.value[2], problems, child_key(path, 2))
    if len(problems) == found and kind not in TUNING:
        _check_distinct(space, problems, path)


def _check_ends(arguments: Node, kind: Kind, problems: Problems, path: str) -> None:
    low, high = arguments.sequence[:2]
    rule, holds = _END_RULES.get(kind, _FINITE)
    faulty = False
    for index, end in enumerate((low, high)):
        if not (_is_number(end.value) and holds(end.value)):
            problems.add(end, child_key(path, index), f"must be {rule}, got {end.shown()}")
            faulty = True
    if not faulty and not _number(low) < _number(high):
        problems.add(
            high, child_key(path, 1), f"must be greater than {low.shown()}, got {high.shown()}"
        )


def _check_number_of_points(node: Node, problems: Problems, path: str) -> None:
    value = node.value
    if not (_is_number(value) and MIN_POINTS <= value <= MAX_POINTS and value == int(value)):
        rule = f"must be a whole number from {MIN_POINTS} to {MAX_POINTS:,}"
        problems.add(node, path, f"{rule}, got {node.shown()}", "it is how many points there are")


def _check_distinct(space: Node, problems: Problems, path: str) -> None:
    if len({point.value for point in _points(space)}) < _size(space):
        problems.add(
            space,
            path,
            f"must differ in {SIGNIFICANT_DIGITS} digits from point to point",
            "set the ends further apart, or take fewer points",
        )


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(node: Node) -> int | float:
    if _is_number(node.value):
        return node.value
    raise TypeError(f"{node.kind()} is not a number")


_FINITE: tuple[str, Callable[[float], bool]] = ("a finite number", math.isfinite)
_POSITIVE: tuple[str, Callable[[float], bool]] = (
    "a number greater than 0",
    lambda value: 0 < value < math.inf,
)
_END_RULES = {
    "logspace": _POSITIVE,
    "loguniform": _POSITIVE,
    "integer": ("a whole number", lambda value: math.isfinite(value) and value == int(value)),
}
