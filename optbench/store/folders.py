"""The folders of a store, in a stable order."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from optbench.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path


def is_folder(path: Path) -> bool:
    """Whether a path is a directory; StoreError where the system can't say (a name too long)."""
    try:
        return path.is_dir()
    except OSError as error:
        raise StoreError(f"can't read {path}: {error.strerror}") from error


def subfolders(folder: Path) -> list[Path]:
    """Directories and symbolic links, hidden ones left out, s2 before s10. Raises OSError."""
    with os.scandir(folder) as entries:
        names = [
            entry.name
            for entry in entries
            if not entry.name.startswith(".")
            and (entry.is_dir(follow_symlinks=False) or entry.is_symlink())
        ]
    return [folder / name for name in sorted(names, key=_natural)]


def _natural(name: str) -> list[tuple[int, str]]:
    return [
        (int(part) if part.isdecimal() and len(part) < 19 else -1, part)
        for part in re.split(r"([0-9]+)", name)
    ]
