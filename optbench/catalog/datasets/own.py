"""Data that lie where the user says: described by reading them once, identified by content."""

from __future__ import annotations

import stat
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.datasets.digests import Look, Stamp, stamp_digest, stamp_version
from optbench.catalog.datasets.labelled import task_of
from optbench.catalog.datasets.mapped import mapped_bytes
from optbench.catalog.datasets.source import PlainSource
from optbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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


_looked: ContextVar[dict[OwnSource, Stamp] | None] = ContextVar("_looked", default=None)


@contextmanager
def one_look() -> Iterator[None]:
    """Inside, the files of each source are looked at once: a million of them take seconds."""
    token = _looked.set({})
    try:
        yield
    finally:
        _looked.reset(token)


@dataclass(frozen=True)
class OwnSource(ReadSource):
    """Base of sources in a file or folder of the user's; its fields are its arguments."""

    path: str

    @property
    def _facts(self) -> Facts:
        return _facts(self, self._stamp())

    def content_hash(self) -> str:
        """SHA-256 over the names and bytes of the files; of data that aren't there, of the path."""
        return _digest(self, self._stamp())

    def identify(self, announce: Callable[[str], None]) -> None:
        _digest(self, self._stamp(), announce)

    def missing(self, data_dir: Path) -> tuple[Path, ...]:  # noqa: ARG002
        return () if Path(self.path).exists() else (Path(self.path),)

    def fetch(self, data_dir: Path, announce: Callable[[str], None]) -> None:  # noqa: ARG002
        if self.missing(data_dir):
            raise self.absence()

    def load(self, data_dir: Path) -> tuple[Examples, Examples]:
        with self.looked_into(), one_look():
            self._stamp()
            return self.read_by(data_dir)

    @contextmanager
    def looked_into(self) -> Iterator[None]:
        """What the system refuses in it, and that there is nothing, is a DataError."""
        if not Path(self.path).exists():
            raise self.absence()
        try:
            yield
        except OSError as error:
            raise DataError(f"{self.path} can't be read: {error.strerror}.") from error

    def read_by(self, data_dir: Path) -> tuple[Examples, Examples]:  # noqa: ARG002
        """The same as `read`, by means of files in the data directory where that helps."""
        return self.read()

    def read(self) -> tuple[Examples, Examples]:
        """Training and test examples of what is there; raises DataError."""
        raise NotImplementedError

    def facts(self, train: Examples, test: Examples) -> Facts:
        """What is known of data that were read."""
        return Facts.of(train, test)

    def files(self) -> Iterable[Path]:
        """Every file that determines the content, in a fixed order."""
        raise NotImplementedError

    def look_at(self, path: Path) -> Look | None:  # noqa: ARG002
        """What refuses the content of a file, which has to be read as a whole anyway."""
        return None

    def absence(self) -> DataError:
        return DataError(
            f"{self.path} isn't there.\n"
            "  A path in an experiment file starts at the folder of that file."
        )

    def _stamp(self) -> Stamp:
        """Tells one version of the files from the next, without reading them."""
        looked = _looked.get()
        if looked is None:
            return self._look()
        if self not in looked:
            looked[self] = self._look()
        return looked[self]

    def _look(self) -> Stamp:
        """Raises DataError for what would never end, or never begin."""
        if not Path(self.path).exists():
            return ()
        try:
            return tuple(_stamp_of(path) for path in self.files())
        except OSError as error:
            raise DataError(f"{self.path} can't be looked into: {error.strerror}.") from error


def _stamp_of(path: Path) -> tuple[str, int, int]:
    status = path.stat()
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise DataError(f"{path} must be an ordinary file, is a pipe or a device.")
    return str(path), status.st_mtime_ns, status.st_size


@lru_cache(maxsize=16)  # every setting asks again
def _facts(source: OwnSource, stamp: Stamp) -> Facts:  # noqa: ARG001 (part of the key)
    train, test = source.load(Path())
    return source.facts(train, test)


_digests: dict[tuple[str, str], str] = {}  # by path and version; the stamp of many files is large


def _digest(
    source: OwnSource, stamp: Stamp, announce: Callable[[str], None] = lambda _: None
) -> str:
    key = source.path, stamp_version(stamp)
    if key not in _digests:
        _digests[key] = stamp_digest(Path(source.path), stamp, announce, source.look_at)
    return _digests[key]
