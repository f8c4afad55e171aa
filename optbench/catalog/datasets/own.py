"""Data that lie where the user says: described by reading them once, identified by content."""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.datasets.digests import REMEMBERED, file_digest
from optbench.catalog.datasets.labelled import task_of
from optbench.catalog.datasets.mapped import mapped_bytes
from optbench.catalog.datasets.source import PlainSource
from optbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from optbench.catalog.datasets.data import Examples
    from optbench.catalog.datasets.task import Task


@dataclass(frozen=True)
class Facts:
    """What is known of data once they were read; `mapped_bytes` stay in files."""

    task: Task
    train_size: int
    test_size: int
    mapped_bytes: int = 0

    @classmethod
    def of(cls, train: Examples, test: Examples) -> Facts:
        """Of examples that have a class each, or numbers."""
        mapped = sum(map(mapped_bytes, (train.inputs, test.inputs)))
        return cls(task_of(train), len(train), len(test), mapped)


class ReadSource(PlainSource):
    """Base of sources of which nothing is known before they are read."""

    @property
    def task(self) -> Task:
        return self._facts.task

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.task.input_shape

    @property
    def classes(self) -> int:
        return self.task.classes

    @property
    def train_size(self) -> int:
        return self._facts.train_size

    @property
    def test_size(self) -> int:
        return self._facts.test_size

    @property
    def mapped_bytes(self) -> int:
        return self._facts.mapped_bytes

    @property
    def _facts(self) -> Facts:
        raise NotImplementedError


@dataclass(frozen=True)
class OwnSource(ReadSource):
    """Base of sources in a file or folder of the user's; its fields are its arguments."""

    path: str

    @property
    def _facts(self) -> Facts:
        return _facts(self, self._stamp())

    def content_hash(self) -> str:
        """SHA-256 over the names and bytes of the files; of data that aren't there, of the path."""
        return _digest(self.path, self._stamp())

    def identify(self, announce: Callable[[str], None]) -> None:
        for name, _, size in self._stamp():
            if size >= REMEMBERED:
                file_digest(Path(name), announce)

    def missing(self, data_dir: Path) -> tuple[Path, ...]:  # noqa: ARG002
        return () if Path(self.path).exists() else (Path(self.path),)

    def fetch(self, data_dir: Path, announce: Callable[[str], None]) -> None:  # noqa: ARG002
        if self.missing(data_dir):
            raise self.absence()

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        if not Path(self.path).exists():
            raise self.absence()
        self._stamp()
        try:
            return self.read()
        except OSError as error:
            raise DataError(f"{self.path} can't be read: {error.strerror}.") from error

    def read(self) -> tuple[Examples, Examples]:
        """Training and test examples of what is there; raises DataError."""
        raise NotImplementedError

    def facts(self, train: Examples, test: Examples) -> Facts:
        """What is known of data that were read."""
        return Facts.of(train, test)

    def files(self) -> list[Path]:
        """Every file that determines the content, in a fixed order."""
        raise NotImplementedError

    def absence(self) -> DataError:
        return DataError(
            f"{self.path} isn't there.\n"
            "  A path in an experiment file starts at the folder of that file."
        )

    def _stamp(self) -> Stamp:
        """Tells one version of the files from the next, without reading them.

        Raises DataError for what would never end, or never begin.
        """
        if not Path(self.path).exists():
            return ()
        try:
            found = [(path, path.stat()) for path in self.files()]
        except OSError as error:
            raise DataError(f"{self.path} can't be looked into: {error.strerror}.") from error
        for path, status in found:
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                raise DataError(f"{path} must be an ordinary file, is a pipe or a device.")
        return tuple((str(path), one.st_mtime_ns, one.st_size) for path, one in found)


Stamp = tuple[tuple[str, int, int], ...]  # path, modification time in ns, bytes


@lru_cache(maxsize=16)  # every setting asks again
def _facts(source: OwnSource, stamp: Stamp) -> Facts:  # noqa: ARG001 (part of the key)
    train, test = source.load(Path())
    return source.facts(train, test)


@lru_cache(maxsize=16)
def _digest(path: str, stamp: Stamp) -> str:
    listing: list[tuple[str, str]] = [] if stamp else [("missing", path)]
    for name, _, _ in stamp:
        listing.append((str(Path(name).relative_to(path)), file_digest(Path(name))))
    return hashlib.sha256(json.dumps(listing).encode()).hexdigest()
