"""What a class takes, read from its source text: nothing is imported, so torch stays unloaded.

A refusal of a bad file has to come at once, and importing torch takes seconds; its own
signatures, in whatever version is installed, are read with `ast` instead.
"""

from __future__ import annotations

import ast
import importlib.util
import stat
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from optbench.catalog.annotations import ANYTHING, UNWRITABLE, ValueType, kind_of, read_annotation
from optbench.catalog.places import PATHS_START
from optbench.config.canonical import canonical_json
from optbench.config.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_HOPS = 10  # re-exports followed from module to module

Definition: TypeAlias = ast.ClassDef | ast.FunctionDef


class SourceNotFoundError(Exception):
    """No such module, file or name; the text says which, `remedy` what there is instead."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True)
class Parameter:
    """One parameter: the type of value it takes and its default, where the source tells it."""

    name: str
    type: ValueType = ANYTHING
    required: bool = False
    default: object = None
    default_known: bool = True

    @property
    def writable(self) -> bool:
        """Whether YAML can say a value for it (a function, for example, it can't)."""
        return self.type.kinds != frozenset({UNWRITABLE})


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

    node: Definition
    module: ast.Module
    path: Path


def signature_of(target: str) -> Signature:
    """The signature of `package.module:Name` or `/a/file.py:Name`.

    Raises `SourceNotFoundError` where there is no such module, file or name.
    """
    source, _, name = target.rpartition(":")
    path = Path(source) if source.endswith(".py") else module_path(source)
    if path.suffix != ".py":  # compiled: only importing it would tell
        return Signature(name, (), open=True)
    try:
        return _signature(path, _stamp(path), name)
    except RecursionError:  # a class that inherits from its own name
        return Signature(name, (), open=True)


def module_path(module: str) -> Path:
    """The source file of a dotted module name, without importing it or its parents."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        remedy = "package.module:Name, or ./file.py:Name for a file beside this one"
        raise SourceNotFoundError(f"there is no module named '{top}'", remedy)
    path = Path(spec.origin) if spec.origin else None
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    for index, part in enumerate(rest):
        path = _submodule(folders, part)
        if path is None:
            raise SourceNotFoundError(f"'{'.'.join([top, *rest[:index]])}' has no module '{part}'")
        folders = [path.parent] if path.name == "__init__.py" else []
    if path is None:
        raise SourceNotFoundError(f"'{module}' is a folder of modules, not a module")
    return path


def _submodule(folders: list[Path], name: str) -> Path | None:
    candidates = [c for f in folders for c in (f / name / "__init__.py", f / f"{name}.py")]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def exported_classes(module: str) -> tuple[str, ...]:
    """Classes that a package's `__init__` imports by name."""
    imports = (node for node in _tree(module_path(module)).body if isinstance(node, ast.ImportFrom))
    names = (alias.asname or alias.name for node in imports for alias in node.names)
    return tuple(name for name in names if name[0].isupper())


def defined_classes(module: str) -> tuple[str, ...]:
    """Names of the public classes that a module defines, in the order of its source."""
    return classes_in(module_path(module))


def classes_in(path: Path) -> tuple[str, ...]:
    """The same of a file; raises `SourceNotFoundError` where it can't be read."""
    classes = (node.name for node in _tree(path).body if isinstance(node, ast.ClassDef))
    return tuple(name for name in classes if not name.startswith("_"))


def class_attribute(target: str, attribute: str) -> object:
    """A literal class attribute (such as torchvision's mirrors), read from the source."""
    source, _, name = target.rpartition(":")
    found = _find(module_path(source), name)
    for node in found.node.body if found else ():
        if isinstance(node, ast.Assign) and any(_is_name(t, attribute) for t in node.targets):
            return ast.literal_eval(node.value)
    raise SourceNotFoundError(f"{target} has no attribute '{attribute}'")


def visible_bases(target: str, root: str) -> tuple[str, ...] | None:
    """The bases of a class that visibly doesn't descend from `root`; else None.

    None too for a function, and wherever only importing would tell.
    """
    source, _, name = target.rpartition(":")
    module, _, root_name = root.rpartition(":")
    try:
        path = Path(source) if source.endswith(".py") else module_path(source)
        stop = (module_path(module), root_name)
        found = _find(path, name) if path.suffix == ".py" else None
        elsewhere = found is not None and _ends_elsewhere(found, stop)
    except (SourceNotFoundError, RecursionError):  # RecursionError: it inherits from its own name
        return None
    node = found.node if found is not None and elsewhere else None
    return tuple(map(ast.unparse, node.bases)) if isinstance(node, ast.ClassDef) else None


def is_function(target: str) -> bool:
    """Whether it is one, as far as the source tells without importing it."""
    source, _, name = target.rpartition(":")
    try:
        path = Path(source) if source.endswith(".py") else module_path(source)
        found = _find(path, name) if path.suffix == ".py" else None
    except (SourceNotFoundError, RecursionError):
        return False
    return found is not None and isinstance(found.node, ast.FunctionDef)


def _ends_elsewhere(found: _Found, root: tuple[Path, str]) -> bool:
    """Whether all bases of a class, and theirs, can be followed to classes without one."""
    node = found.node
    if not isinstance(node, ast.ClassDef) or (found.path, node.name) == root:
        return False
    if node.decorator_list or node.keywords:  # these can make anything of it
        return False
    bases = [base for base in node.bases if not _is_name(base, "object")]
    parents = [_base(base, found) for base in bases]
    return all(parent is not None and _ends_elsewhere(parent, root) for parent in parents)


@cache
def _signature(path: Path, stamp: tuple[int, int], name: str) -> Signature:  # noqa: ARG001 (a key)
    found = _find(path, name)
    if found is None:  # a name made at run time: only importing it would tell
        return Signature(name, (), open=True)
    if isinstance(found.node, ast.FunctionDef):
        return _read(name, found.node.args, found, skip=0)
    for node in found.node.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return _read(name, node.args, found, skip=1)
    return _inherited(name, found.node, found)


def _inherited(name: str, node: ast.ClassDef, found: _Found) -> Signature:
    for base in node.bases:
        parent = _base(base, found)
        if parent is not None:
            inherited = _signature(parent.path, _stamp(parent.path), parent.node.name)
            return replace(inherited, name=name)
    return Signature(name, (), open=True)


def _base(base: ast.expr, found: _Found) -> _Found | None:
    """The class that `Adam` or `torch.optim.Adam` means in a module."""
    head, *rest = ast.unparse(base).split(".")
    try:
        if not rest:
            return _find(found.path, head)
        module = _module_called(head, found.module)
        return _find(module_path(".".join([module, *rest[:-1]])), rest[-1]) if module else None
    except SourceNotFoundError:  # built in, compiled or generated
        return None


def _module_called(name: str, module: ast.Module) -> str | None:
    """The module that a name means: `import torch`, `import a.b as name`, `from a import name`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname == name:
                    return alias.name
                if alias.asname is None and alias.name.split(".")[0] == name:
                    return name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return f"{node.module}.{alias.name}"
    return None


def _tree(path: Path) -> ast.Module:
    return _parse(path, _stamp(path))


def _stamp(path: Path) -> tuple[int, int]:
    """Tells one version of a file from the next: a library's user edits it between two calls."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL in the path
        found = None
    if found is None or not stat.S_ISREG(found.st_mode):
        raise SourceNotFoundError(f"there is no file {path}", PATHS_START)
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=128)
def _parse(path: Path, stamp: tuple[int, int]) -> ast.Module:  # noqa: ARG001 (part of the key)
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except OSError as error:
        raise SourceNotFoundError(f"can't read {path}: {error.strerror}") from error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise SourceNotFoundError(f"{path} is not valid Python{line}: {reason}") from error


def _find(path: Path, name: str, hops: int = 0) -> _Found | None:
    """The definition of a name; None where only importing the module would tell."""
    tree = _tree(path)
    for node in tree.body:
        if isinstance(node, Definition) and node.name == name:
            return _Found(node, tree, path)
    followed = False
    for imported, original in _imports_of(name, tree):
        found = _follow(path, imported, original, hops + 1)
        if found is not None:
            return found
        followed = True
    if followed or _may_be_made(tree, name):
        return None
    where = f"{path.parent.name}/{path.name}" if path.name == "__init__.py" else path.name
    public = [known for known in _public_names(tree) if not known.startswith("_")]
    defines = ", ".join(public[:10]) or "nothing public"
    raise SourceNotFoundError(
        f"{where} has no '{name}'", did_you_mean(name, public) or f"it has {defines}"
    )


def _imports_of(name: str, tree: ast.Module) -> Iterator[tuple[ast.ImportFrom, str]]:
    """The imports that may provide a name, and what they call it: by name, then by star."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    for node in imports:
        for alias in node.names:
            if (alias.asname or alias.name) == name:
                yield node, alias.name
    yield from ((node, name) for node in imports if node.names[0].name == "*")


def _public_names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, Definition):
            yield node.name
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names if alias.name != "*")


def _may_be_made(tree: ast.Module, name: str) -> bool:
    """Whether an assignment, a conditional definition or `__getattr__` could make the name."""
    for node in ast.walk(tree):
        if isinstance(node, Definition) and node.name in (name, "__getattr__"):
            return True
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            return True
    return False


def _follow(path: Path, node: ast.ImportFrom, name: str, hops: int) -> _Found | None:
    if hops > _MAX_HOPS:
        return None
    try:
        return _find(_imported_from(path, node), name, hops)
    except SourceNotFoundError:  # a compiled or generated module: importing will tell
        return None


def _imported_from(path: Path, node: ast.ImportFrom) -> Path:
    if not node.level:
        return module_path(node.module or "")
    folder = path.parents[min(node.level, len(path.parents)) - 1]
    base = folder.joinpath(*(node.module or "__init__").split("."))
    source = base.with_suffix(".py")
    return source if source.is_file() else base / "__init__.py"


def _read(name: str, arguments: ast.arguments, found: _Found, skip: int) -> Signature:
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = len(positional) - len(arguments.defaults)
    defaults: list[ast.expr | None] = [*([None] * missing), *arguments.defaults]
    pairs = [*zip(positional, defaults, strict=True)][skip:]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    parameters = tuple(_parameter(argument, default, found) for argument, default in pairs)
    return Signature(name, parameters, open=arguments.kwarg is not None)


def _parameter(argument: ast.arg, default: ast.expr | None, found: _Found) -> Parameter:
    type_ = read_annotation(argument.annotation)
    if default is None:
        return Parameter(argument.arg, type_, required=True)
    try:
        value = _literal(default, found.module)
        canonical_json(value)  # what has no such form, YAML can't say either
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return Parameter(argument.arg, type_, default_known=False)
    if not type_.kinds and value is not None:
        kind = kind_of(value)
        type_ = ValueType(frozenset({kind, "float"} if kind == "int" else {kind}))
    return Parameter(argument.arg, type_, default=value)


def _literal(node: ast.expr, module: ast.Module) -> object:
    """A default's value: literals, tuples, module constants, and arithmetic such as `1.0 / 3`."""
    match node:
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return [_literal(element, module) for element in elements]
        case ast.Name(id=name):
            return _literal(_constant(name, module), module)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _quotient(_literal(left, module), _literal(right, module))
    return ast.literal_eval(node)


def _quotient(over: object, under: object) -> float:
    if isinstance(over, int | float) and isinstance(under, int | float) and under:
        return over / under
    raise ValueError("not a quotient of numbers")


def _constant(name: str, module: ast.Module) -> ast.expr:
    for node in module.body:
        if isinstance(node, ast.Assign) and any(_is_name(t, name) for t in node.targets):
            return node.value
        if isinstance(node, ast.AnnAssign) and node.value and _is_name(node.target, name):
            return node.value
    raise ValueError(name)


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
