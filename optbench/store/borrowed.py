"""The runs of an experiment that another one of the store has trained: named in its folder.

A run is trained once, wherever; so that looking at an experiment's folder shows all of its runs.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from optbench.errors import StoreError
from optbench.store.atomic import write_atomic
from optbench.store.bounded import read_bounded

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME = "elsewhere.txt"
LIMIT = 50_000_000  # bytes
# A folder of the same store, and a run directory in it: nothing leads out of the store.
_PLACE = re.compile(r"\w[\w.-]*/\w[\w.+-]*-s\d+-[0-9a-f]{8}")


def write_borrowed(folder: Path, directories: Iterable[Path]) -> None:
    """Name run directories of the same store; a store that can't be written stays as it is."""
    places = sorted(f"{path.parent.name}/{path.name}" for path in directories)
    path = folder / NAME
    with suppress(StoreError, OSError):
        if not places:
            path.unlink(missing_ok=True)
        elif _read(path) != (text := _sealed("".join(f"{place}\n" for place in places))):
            folder.mkdir(parents=True, exist_ok=True)
            write_atomic(path, text.encode())


def borrowed(folder: Path) -> list[Path]:
    """The directories named in an experiment's folder that are there, and no symbolic links.

    They are written as the folder is.
    """
    try:
        lines = _read(folder / NAME).splitlines()
    except StoreError:
        return []
    paths = [_store(folder) / line for line in lines if _PLACE.fullmatch(line)]
    return [
        path
        for path in paths
        if path.is_dir() and not path.is_symlink() and not path.parent.is_symlink()
    ]


def list_damage(folder: Path) -> str:
    """Why an experiment's folder may lack runs that it names; empty where it names all."""
    path = folder / NAME
    if not os.path.lexists(path):
        return ""
    try:
        text = _read(path)
    except StoreError as error:
        return str(error).removeprefix(f"{folder}{os.sep}")
    if text == _sealed(text.partition("\n")[2]):
        return ""
    return f"{NAME}: its SHA-256 is another; `optbench run` on the experiment's file mends it"


def _store(folder: Path) -> Path:
    """What an experiment's folder is in: also of `.`, and where a symbolic link leads to it."""
    is_parent = folder.parent.resolve() == folder.resolve().parent
    return folder.parent if is_parent else folder / os.pardir


def _sealed(lines: str) -> str:
    return f"# SHA-256 of what follows: {hashlib.sha256(lines.encode()).hexdigest()}\n{lines}"


def _read(path: Path) -> str:
    if not os.path.lexists(path):
        return ""
    return read_bounded(path, LIMIT).decode(errors="replace")
