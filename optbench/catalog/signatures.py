"""What a class takes, read from its source text: nothing is imported, so torch stays unloaded.

A refusal of a bad file has to come at once, and importing torch takes seconds; its own
signatures, in whatever version is installed, are read with `ast` instead.
"""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

_KINDS = {
    "int": "int", "float": "float", "bool": "bool", "str": "str", "None": "none",
    "tuple": "list", "list": "list", "Tuple": "list", "List": "list",
    "Iterable": "list", "Sequence": "list", "dict": "mapping", "Mapping": "mapping",
}  # fmt: skip
# A value of one of these can't be written in YAML; the rest of a union can.
_UNWRITABLE = {"Tensor", "Callable", "Module", "Optimizer", "LRScheduler"}
_MAX_HOPS = 10  # re-exports followed from module to module


class SourceNotFoundError(Exception):
    """No such module, file or name; the text says which and what there is instead."""


@dataclass(frozen=True)
class Parameter:
    """One parameter: `kinds` of values it takes (empty: anything) and its default."""

    name: str
    kinds: frozenset[str] = frozenset()
    required: bool = False
    default: object = None
    default_known: bool = True
    choices: tuple[object, ...] = ()
    item_kinds: frozenset[str] = frozenset()

    @property
    def writable(self) -> bool:
        """Whether YAML can say a value for it (a function, for example, it can't)."""
        return self.kinds != frozenset({"unwritable"})


@dataclass(frozen=True)
class Signature:
    """The parameters of a class or function after `self`.

    `open` says that it takes further keywords, or that its source could not be followed.
    """

    name: str
    parameters: tuple[Parameter, ...]
    open: bool = False

    def get(self, name: str) -> Parameter | None:
        return next((p for p in self.parameters if p.name == name), None)


@dataclass(frozen=True)
class _Found:
    """A definition and the module that it stands in, for names it mentions."""

    node: ast.ClassDef | ast.FunctionDef
    module: ast.Module
    path: Path


def signature_of(target: str) -> Signature:
    """The signature of `package.module:Name` or `/a/file.py:Name`.

    Raises `SourceNotFoundError` where there is no such module, file or name.
    """
    source, _, name = target.rpartition(":")
    path = Path(source) if source.endswith(".py") else module_path(source)
    return _signature(path, name)


def module_path(module: str) -> Path:
    """The source file of a dotted module name, without importing it or its parents."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.origin:
        raise SourceNotFoundError(f"there is no module named '{top}'")
    path = Path(spec.origin)
    for index, part in enumerate(rest):
        folder = path.parent if path.name == "__init__.py" else None
        candidates = (
            [] if folder is None else [folder / part / "__init__.py", folder / f"{part}.py"]
        )
        found = next((c for c in candidates if c.is_file()), None)
        if found is None:
            raise SourceNotFoundError(f"'{'.'.join([top, *rest[:index]])}' has no module '{part}'")
        path = found
    return path


def exported_classes(module: str) -> dict[str, str]:
    """Classes that a package's `__init__` imports by name: {class name: module it comes from}."""
    tree = _parse(module_path(module))
    return {
        alias.asname or alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if (alias.asname or alias.name)[0].isupper()
    }


def defined_classes(module: str) -> tuple[str, ...]:
    """Names of the public classes that a module defines, in the order of its source."""
    tree = _parse(module_path(module))
    return tuple(
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )


def class_attribute(target: str, attribute: str) -> object:
    """A literal class attribute (such as torchvision's mirrors), read from the source."""
    source, _, name = target.rpartition(":")
    found = _find(module_path(source), name, 0)
    if found is not None:
        for node in found.node.body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            if any(isinstance(t, ast.Name) and t.id == attribute for t in targets):
                return ast.literal_eval(node.value)  # type: ignore[attr-defined]
    raise SourceNotFoundError(f"{target} has no attribute '{attribute}'")


@cache
def _signature(path: Path, name: str) -> Signature:
    found = _find(path, name, 0)
    if found is None:  # a name made at run time: only importing it would tell
        return Signature(name, (), open=True)
    if isinstance(found.node, ast.FunctionDef):
        return _read(name, found.node.args, found, skip=0)
    initializer = next(
        (n for n in found.node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"),
        None,
    )
    if initializer is not None:
        return _read(name, initializer.args, found, skip=1)
    return _inherited(name, found)


def _inherited(name: str, found: _Found) -> Signature:
    for base in found.node.bases if isinstance(found.node, ast.ClassDef) else []:
        if isinstance(base, ast.Name) and (parent := _find(found.path, base.id, 0)):
            return replace(_signature(parent.path, parent.node.name), name=name)
    return Signature(name, (), open=True)


@cache
def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except OSError as error:
        raise SourceNotFoundError(f"can't read {path}: {error.strerror}") from error
    except (SyntaxError, ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise SourceNotFoundError(f"{path} is not valid Python{line}: {error}") from error


def _find(path: Path, name: str, hops: int) -> _Found | None:
    tree = _parse(path)
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return _Found(node, tree, path)
    for imported in ast.walk(tree):
        for alias in imported.names if isinstance(imported, ast.ImportFrom) else ():
            if (alias.asname or alias.name) == name and hops < _MAX_HOPS:
                return _follow(path, imported, alias.name, hops + 1)  # type: ignore[arg-type]
    if _may_come_from_elsewhere(tree, name):
        return None
    known = [n.name for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)]
    public = ", ".join(n for n in known if not n.startswith("_")) or "nothing public"
    raise SourceNotFoundError(f"{path.name} has no '{name}'; it defines {public}")


def _may_come_from_elsewhere(tree: ast.Module, name: str) -> bool:
    """Whether a star import, `__getattr__` or an assignment could provide the name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names):
            return True
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
            return True
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            return True
    return False


def _follow(path: Path, node: ast.ImportFrom, name: str, hops: int) -> _Found | None:
    try:
        if node.level:
            folder = path.parent
            for _ in range(node.level - 1):
                folder = folder.parent
            parts = (node.module or "__init__").split(".")
            base = folder.joinpath(*parts)
            source = (
                base.with_suffix(".py")
                if base.with_suffix(".py").is_file()
                else (base / "__init__.py")
            )
        else:
            source = module_path(node.module or "")
        return _find(source, name, hops)
    except SourceNotFoundError:  # a compiled or generated module: importing will tell
        return None


def _read(name: str, arguments: ast.arguments, found: _Found, skip: int) -> Signature:
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = len(positional) - len(arguments.defaults)
    defaults: list[ast.expr | None] = [*([None] * missing), *arguments.defaults]
    pairs = [*zip(positional, defaults, strict=True)][skip:]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    parameters = tuple(_parameter(argument, default, found) for argument, default in pairs)
    return Signature(name, parameters, open=arguments.kwarg is not None)


def _parameter(argument: ast.arg, default: ast.expr | None, found: _Found) -> Parameter:
    kinds, items, choices = _annotation(argument.annotation)
    if default is None:
        return Parameter(argument.arg, kinds, required=True, choices=choices, item_kinds=items)
    try:
        value = _literal(default, found.module)
    except ValueError:
        return Parameter(argument.arg, kinds, default_known=False, choices=choices)
    if not kinds and value is not None:
        kinds = frozenset({kind_of(value)} | ({"float"} if kind_of(value) == "int" else set()))
    return Parameter(argument.arg, kinds, default=value, choices=choices, item_kinds=items)


def kind_of(value: object) -> str:
    """The kind of a plain value, in the words of `Parameter.kinds`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "bool"
    names: dict[type, str] = {int: "int", float: "float", str: "str", dict: "mapping"}
    return names.get(type(value), "list")


def _annotation(
    node: ast.expr | None,
) -> tuple[frozenset[str], frozenset[str], tuple[object, ...]]:
    """Kinds, kinds of a list's items, and a Literal's choices; empty means anything."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            node = ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return frozenset(), frozenset(), ()
    if node is None:
        return frozenset(), frozenset(), ()
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union([node.left, node.right])
    if isinstance(node, ast.Subscript):
        return _subscript(node)
    name = _name(node)
    if name in _UNWRITABLE:
        return frozenset({"unwritable"}), frozenset(), ()
    kind = _KINDS.get(name)
    return (frozenset({kind}) if kind else frozenset()), frozenset(), ()


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _subscript(
    node: ast.Subscript,
) -> tuple[frozenset[str], frozenset[str], tuple[object, ...]]:
    name = _name(node.value)
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Literal":
        choices = tuple(e.value for e in inner if isinstance(e, ast.Constant))
        return frozenset(kind_of(c) for c in choices), frozenset(), choices
    if name == "Optional":
        return _union([*inner, ast.Constant(None)])
    if name == "Union":
        return _union(inner)
    if name in _UNWRITABLE:
        return frozenset({"unwritable"}), frozenset(), ()
    if _KINDS.get(name) == "list":
        parts = [e for e in inner if not (isinstance(e, ast.Constant) and e.value is ...)]
        return frozenset({"list"}), _union(parts)[0], ()
    kind = _KINDS.get(name)
    return (frozenset({kind}) if kind else frozenset()), frozenset(), ()


def _union(
    members: list[ast.expr],
) -> tuple[frozenset[str], frozenset[str], tuple[object, ...]]:
    kinds: set[str] = set()
    items: set[str] = set()
    choices: tuple[object, ...] = ()
    for member in members:
        k, i, c = _annotation(member)
        if not k:  # a type of its own name: anything may be meant
            return frozenset(), frozenset(), ()
        kinds |= k
        items |= i
        choices += c
    if kinds != {"unwritable"}:
        kinds.discard("unwritable")
    if "none" in kinds and choices:
        choices += (None,)
    return frozenset(kinds), frozenset(items - {"unwritable"}), choices


def _literal(node: ast.expr, module: ast.Module) -> object:
    """A default's value: literals, tuples, module constants, and arithmetic such as `1.0 / 3`."""
    if isinstance(node, ast.Tuple | ast.List):
        return [_literal(element, module) for element in node.elts]
    if isinstance(node, ast.Name):
        return _literal(_constant(node.id, module), module)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        left, right = _literal(node.left, module), _literal(node.right, module)
        if isinstance(left, int | float) and isinstance(right, int | float) and right:
            return left / right
    return ast.literal_eval(node)


def _constant(name: str, module: ast.Module) -> ast.expr:
    for node in module.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name for t in node.targets
        ):
            return node.value
        if isinstance(node, ast.AnnAssign) and node.value and _name(node.target) == name:
            return node.value
    raise ValueError(name)
