"""Finding a run by what determines it, wherever under a store it was made."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

from optbench.errors import StoreError
from optbench.store.folders import is_folder, subfolders
from optbench.store.result import read_result
from optbench.store.scan import RUN_NAME
from optbench.store.stored_run import Note, StoredRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class RunIndex:
    """The run directories of a store by the last eight digits of their names.

    Symbolic links are not followed. Raises StoreError where the store can't be listed.
    """

    def __init__(self, root: Path) -> None:
        self._places: defaultdict[str, list[Path]] = defaultdict(list)
        self._damaged: dict[Path, Note] = {}
        for path in _run_directories(root):
            if found := RUN_NAME.fullmatch(path.name):
                self._places[found[1]].append(path)

    @property
    def damaged(self) -> tuple[Note, ...]:
        """The directories for whose sake a run that was looked up has to train again, and why."""
        return tuple(self._damaged.values())

    def finished(self, run_hash: str) -> StoredRun | None:
        """A finished run with this hash whose files are whole, or None."""
        damaged = {}
        for path in self._places.get(run_hash[:8], ()):
            try:
                stored = _finished(path, run_hash)
            except StoreError as error:
                message = str(error).removeprefix(f"{path}{os.sep}")
                damaged[path] = Note(path, "damaged", message)
                continue
            if stored is not None:
                return stored
        self._damaged |= damaged
        return None


def finished_run(path: Path, run_hash: str) -> StoredRun | None:
    """The run in a directory if it is this one, ended by itself and its files are whole."""
    try:
        return _finished(path, run_hash)
    except StoreError:
        return None


def _finished(path: Path, run_hash: str) -> StoredRun | None:
    """The same; StoreError where the run ended but is damaged now."""
    if not os.path.lexists(path / "result.json"):
        return None  # never began
    stored = StoredRun(path, read_result(path / "result.json"))
    if stored.result.run != run_hash or not stored.finished:
        return None
    stored.check_files()
    return stored


def _run_directories(root: Path) -> Iterator[Path]:
    """What stands two levels below a store, without the symbolic links on either."""
    if not is_folder(root):
        return
    try:
        experiments = subfolders(root)
    except OSError as error:
        raise StoreError(f"can't read {root}: {error.strerror}") from error
    for experiment in experiments:
        if experiment.is_symlink():
            continue
        with suppress(OSError):  # not ours to read, so nothing of ours is in it
            yield from (path for path in subfolders(experiment) if not path.is_symlink())
