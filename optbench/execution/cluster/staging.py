"""Folders in a store that all machines see, where tasks put what is too big to be told.

Each attempt has its own, and moving files from there to a run's directory is left to the driver: a
node that was given up and comes back finds its folder gone, or writes where nobody looks.
"""

from __future__ import annotations

import platform
import secrets
import shutil
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.errors import EnvironmentFault, StoreError
from optbench.store.atomic import write_atomic, write_error, write_together
from optbench.store.bounded import read_bounded
from optbench.store.lock import RunLock
from optbench.store.staged import Staged, digest, staging_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_PROBE = "probe"
_NEEDS = "--shared-store needs the runs directory, one for all, at the same path on every node"


@dataclass(frozen=True)
class StagingFolder:
    """One attempt's; `token` is what it is known by."""

    path: Path
    token: str

    def answer(self) -> Staged:
        """On a node: a file that says that it sees the folder. Raises `EnvironmentFault`."""
        try:
            seen = read_bounded(self.path / _PROBE, len(self.token))
        except StoreError:
            seen = b""
        if seen != self.token.encode():
            store = self.path.parent.parent
            raise EnvironmentFault(f"{platform.node()} does not see {store}; {_NEEDS}")
        (staged,) = self.stage([seen])
        return staged

    def stage(self, contents: Sequence[bytes]) -> list[Staged]:
        """On a node: a file for each, on the disk. Raises `StoreError`."""
        files = {self.path / secrets.token_hex(8): content for content in contents}
        if files:
            write_together(files)
        return [Staged(path, len(file), digest(file)) for path, file in files.items()]

    def check(self, staged: Staged) -> None:
        """In the driver: raise `EnvironmentFault` for a file that is not as a node has told it.

        What it holds is not read here, but told from its digest whenever it is used.
        """
        try:
            found = staged.path.lstat()
        except OSError:
            found = None
        whole = found and stat.S_ISREG(found.st_mode) and found.st_size == staged.size
        if staged.path.parent != self.path or not whole:
            raise EnvironmentFault(f"what a node wrote to {staged.path} is not here; {_NEEDS}")

    def remove(self) -> None:
        """What a node still writes there stays until the command's folder goes."""
        shutil.rmtree(self.path, ignore_errors=True)


class Staging:
    """A command's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._attempts = 0

    def folder(self) -> StagingFolder:
        """One more attempt's. Raises `StoreError`."""
        self._attempts += 1
        made = StagingFolder(self.path / str(self._attempts), secrets.token_hex(16))
        try:
            made.path.mkdir()
        except OSError as error:
            raise write_error(made.path, error) from error
        write_atomic(made.path / _PROBE, made.token.encode())
        return made


@contextmanager
def staging(store: Path) -> Iterator[Staging]:
    """Locked meanwhile, so that nobody takes it for what a kill has left, and removed after."""
    path = store.absolute() / staging_name()
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise write_error(path, error) from error
    with RunLock(path):
        try:
            yield Staging(path)
        finally:
            shutil.rmtree(path, ignore_errors=True)
