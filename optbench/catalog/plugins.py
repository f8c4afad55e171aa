"""Classes reached by import path: `package.module:Name`, or `./file.py:Name` beside the YAML."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.errors import FOREIGN, UsageError, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType


def is_import_path(name: str) -> bool:
    """Whether a name is an import path rather than a registry's name."""
    source, colon, attribute = name.rpartition(":")
    return bool(colon and source and attribute.isidentifier())


def anchored(name: str, folder: Path) -> str:
    """The same import path with `./file.py` made absolute from the folder of its YAML."""
    source, _, attribute = name.rpartition(":")
    return f"{(folder / source).resolve()}:{attribute}" if source.endswith(".py") else name


def content_hash(name: str) -> str | None:
    """SHA-256 of the file that a `file.py:Name` path names; None for an installed module."""
    source = name.rpartition(":")[0]
    return hashlib.sha256(Path(source).read_bytes()).hexdigest() if source.endswith(".py") else None


def content_hashes(named: Iterable[object]) -> dict[str, str]:
    """Those hashes by path, of losses and the like: `{name: file.py:Name, …}`."""
    names = [str(one["name"]) for one in named if isinstance(one, dict) and "name" in one]
    found = {name: content_hash(name) for name in names if is_import_path(name)}
    return {name: content for name, content in found.items() if content is not None}


def load(target: str, content: str | None = None) -> Callable[..., Any]:
    """Import what a path names; of a file, the version with the SHA-256 `content`.

    Raises `UsageError` where the import itself fails, or the file is not that version any more.
    """
    source, _, attribute = target.rpartition(":")
    try:
        if source.endswith(".py"):
            module = _load_file(Path(source), content or str(content_hash(target)))
        else:
            module = importlib.import_module(source)
        found: Callable[..., Any] = getattr(module, attribute)
    except FOREIGN as error:
        reason = str(error) if isinstance(error, UsageError) else spoken(error)
        raise UsageError(f"can't load {target}: {reason}") from error
    return found


def _load_file(path: Path, content: str) -> ModuleType:
    # Named by its content too: a study goes on with the code that its runs are hashed by, and
    # an edited file is not taken for the one imported before.
    version = hashlib.sha256(f"{path}:{content}".encode()).hexdigest()
    name = f"optbench_plugin_{version[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    if hashlib.sha256(path.read_bytes()).hexdigest() != content:
        raise UsageError(f"{path} was changed while this command ran; start it again")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} can't be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
