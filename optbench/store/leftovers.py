"""What a kill may leave in a store beside its runs, and what becomes of it."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from optbench.errors import StoreError
from optbench.store.atomic import sync_directory, write_error
from optbench.store.folders import is_folder, subfolders
from optbench.store.lock import is_locked
from optbench.store.rundir import RunDirectory
from optbench.store.staged import STAGING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BESIDE = re.compile(r"\.(.+-s\d+-[0-9a-f]{8})\.(new|old|gone)", re.ASCII)
_PROBE = re.compile(r"\.writable-\d+", re.ASCII)


@dataclass(frozen=True)
class Leftover:
    """A file or folder that no run needs; or, `aside`, a finished run that lost its place.

    Training anew puts the old run aside for the moment between two renames. `run` is the
    directory that it belongs to, None for what belongs to the whole store.
    """

    path: Path
    kind: Literal["temporary", "aside"]
    run: Path | None

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return tree_size(self.path)


def find_leftovers(root: Path) -> tuple[Leftover, ...]:
    """Those of a store, but of runs that are being trained; symbolic links are not followed.

    Raises StoreError where the store can't be listed.
    """
    if not is_folder(root):
        return ()
    try:
        return tuple(_of_store(root))
    except OSError as error:
        raise StoreError(f"can't read {root}: {error.strerror}") from error


def put_back(leftover: Leftover) -> None:
    """Give a run that was put aside its place again."""
    if leftover.run is None:
        raise AssertionError("a run that was put aside has a place")
    try:
        leftover.path.replace(leftover.run)
        sync_directory(leftover.run.parent)
    except OSError as error:
        raise write_error(leftover.run, error) from error


def delete(path: Path) -> None:
    """Remove a file or a folder; a run directory goes out of sight first, whole.

    A kill in between leaves what `find_leftovers` finds. Raises StoreError.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            if not path.name.startswith("."):
                hidden = path.with_name(f".{path.name}.gone")
                path.replace(hidden)
                path = hidden
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def tree_size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    return sum(
        os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 (of os.walk's texts)
        for folder, _, names in os.walk(path)
        for name in names
    )


def _of_store(root: Path) -> Iterator[Leftover]:
    yield from (
        Leftover(path, "temporary", None)
        for path in sorted(root.iterdir())
        if (_PROBE.fullmatch(path.name) or STAGING.fullmatch(path.name))
        and not path.is_symlink()
        and not is_locked(path)
    )
    for experiment in subfolders(root):
        if not experiment.is_symlink():
            with suppress(PermissionError):  # not ours to read, so nothing of ours is in it
                yield from _of_experiment(experiment)


def _of_experiment(folder: Path) -> Iterator[Leftover]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_dir():
            continue
        if found := _BESIDE.fullmatch(path.name):
            yield from _of_name(path, folder / found[1], found[2])
        elif not path.name.startswith(".") and not is_locked(path):
            files = [*RunDirectory(path).leftovers(), *_outlived(path)]
            yield from (Leftover(file, "temporary", path) for file in files)


def _outlived(path: Path) -> tuple[Path, ...]:
    """Checkpoints of a run that has ended: they were about to be deleted."""
    directory = RunDirectory(path)
    checkpoints = directory.checkpoints()
    result = directory.result() if checkpoints else None
    ended = result is not None and result.status in ("completed", "diverged")
    return checkpoints if ended else ()


def _of_name(path: Path, run: Path, ending: str) -> Iterator[Leftover]:
    if is_locked(path) or is_locked(run):
        return
    lost = ending == "old" and not os.path.lexists(run)
    yield Leftover(path, "aside" if lost else "temporary", run)
