"""torchvision's image classifiers by name, and the files of their weights.

Both are read from torchvision's source: importing it takes seconds.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from optbench.catalog.entry import Entry
from optbench.catalog.signatures import SourceNotFoundError, module_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREFIX = "torchvision."
_PACKAGE = "torchvision.models"


@dataclass(frozen=True)
class _Builder:
    """A function that builds a model, and the addresses of weights by the names for them."""

    function: str
    weights: dict[str, str]


@cache
def torchvision_models() -> dict[str, Entry]:
    """Entries by name, `torchvision.resnet18`; none where torchvision isn't installed."""
    return {
        PREFIX + name: Entry(
            f"{_PACKAGE}:{name}", f"torchvision's {name}", hidden_classes="num_classes"
        )
        for name in _builders()
    }


def weight_addresses(model: str) -> dict[str, str]:
    """Where torchvision has weights for a model, by their names: `IMAGENET1K_V1`.

    Empty for a model that isn't torchvision's.
    """
    if not model.startswith(PREFIX):
        return {}
    builder = _builders().get(model.removeprefix(PREFIX))
    return builder.weights if builder else {}


@cache
def _builders() -> dict[str, _Builder]:
    try:
        package = module_path(_PACKAGE)
        return {found.function: found for path in _modules(package) for found in _in_module(path)}
    except (SourceNotFoundError, OSError):
        return {}


def _modules(path: Path) -> Iterator[Path]:
    """A module and all of which it takes everything: the package's are those of classifiers."""
    yield path
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            yield from _modules(path.with_name(f"{node.module}.py"))


def _in_module(path: Path) -> Iterator[_Builder]:
    tree = ast.parse(path.read_bytes())
    enums = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and _is_registered(node):
            taken = (enums[name] for name in _annotated(node, "weights") if name in enums)
            yield _Builder(node.name, {k: v for enum in taken for k, v in _addresses(enum)})


def _is_registered(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(one).startswith("register_model(") for one in function.decorator_list)


def _annotated(function: ast.FunctionDef, parameter: str) -> Iterator[str]:
    """The names in a parameter's annotation."""
    for argument in function.args.kwonlyargs:
        if argument.arg == parameter and argument.annotation:
            names = (n for n in ast.walk(argument.annotation) if isinstance(n, ast.Name))
            yield from (name.id for name in names)


def _addresses(enum: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """The members of `class ResNet18_Weights(WeightsEnum)`, without DEFAULT, which may change."""
    for node in enum.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            url = next(k.value for k in node.value.keywords if k.arg == "url")
            yield ast.unparse(node.targets[0]), str(ast.literal_eval(url))
