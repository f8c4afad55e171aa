"""One run directory as it is found: what it says, its rows, and whether its files are whole."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from optbench.errors import StoreError
from optbench.store.bounded import open_regular, read_bounded, sha256_of
from optbench.store.lock import is_locked
from optbench.store.metrics import MetricsError, Row, parse_rows
from optbench.store.own_config import CONFIG
from optbench.store.result import Result, Status, read_result
from optbench.store.timing import train_seconds

if TYPE_CHECKING:
    from pathlib import Path

METRICS_LIMIT = 50_000_000  # bytes
# The files whose SHA-256 result.json may hold.
DIGESTED = ("metrics.csv", "timing.csv", "weights.pt", CONFIG)

NoteKind = Literal["unreadable", "foreign", "damaged", "unfinished", "tuning"]


@dataclass(frozen=True)
class Note:
    """One line about a directory that a comparison can't use, or not yet."""

    path: Path
    kind: NoteKind
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.kind}: {self.message}"


@dataclass(frozen=True)
class Asker:
    """The experiment that a run is looked at in, which need not have trained it, and its seeds."""

    experiment: str
    seeds: int


@dataclass(frozen=True)
class StoredRun:
    """A run directory. `result.status` says `interrupted` where the writer is gone."""

    path: Path
    result: Result
    killed: bool = False  # then metrics.csv may have rows that result.json doesn't know
    asker: Asker | None = field(default=None, compare=False)  # None: what trained it

    @property
    def status(self) -> Status:
        return self.result.status

    @property
    def experiment(self) -> str:
        """The one that it is looked at in, or else that trained it."""
        return self.asker.experiment if self.asker else self.result.experiment

    @property
    def declared(self) -> int:
        """How many seeds that experiment asks for."""
        return self.asker.seeds if self.asker else self.result.declared_seeds

    @property
    def finished(self) -> bool:
        """Whether it ended by itself: diverging is a result too."""
        return self.status in ("completed", "diverged")

    @property
    def committed(self) -> float | None:
        """When it was last stored how far it is, in seconds since the epoch."""
        try:
            return (self.path / "result.json").stat().st_mtime
        except OSError:  # removed meanwhile
            return None

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows of metrics.csv, read once; StoreError if missing, damaged or altered.

        Of a killed run, those that result.json knows; of one that is written meanwhile, those of
        now.
        """
        path = self.path / "metrics.csv"
        before = _written(self.path)
        content = read_bounded(path, METRICS_LIMIT)
        expected = self.result.files.get("metrics.csv")
        # While a run goes on its rows are ahead of result.json.
        if expected and self.status != "running":
            content = _known(content, expected) if self.killed else content
            found = hashlib.sha256(content).hexdigest()
            # It may say the same though it was begun anew in between.
            if found != expected and (look_at(self.path) != self or _written(self.path) != before):
                return read_run(self.path).rows
            _check_digest(path, found, expected)
        try:
            return tuple(parse_rows(content.decode("utf-8")))
        except UnicodeDecodeError as error:
            raise MetricsError(f"{path}: not UTF-8 text: {error.reason}") from error
        except MetricsError as error:
            raise MetricsError(f"{path}: {error}") from error

    def train_seconds(self) -> list[float]:
        """Seconds of training up to each row; StoreError if missing, damaged or altered."""
        return train_seconds(self.path, self.rows, self.result.files.get("timing.csv"))

    def check_files(self) -> None:
        """Raise StoreError unless the files of a finished run are whole.

        metrics.csv is compared with its SHA-256. weights.pt, where there has to be one, is only
        looked for: it may be large, and nothing that is computed here depends on it.
        """
        metrics = self.path / "metrics.csv"
        _check_digest(metrics, sha256_of(metrics), self.result.files.get(metrics.name))
        if "weights.pt" in self.result.files:
            os.close(open_regular(self.path / "weights.pt"))

    def check_every_file(self) -> None:
        """Raise StoreError unless every file with a digest in result.json has it still."""
        for name, expected in self.result.files.items():
            if name not in DIGESTED:
                raise StoreError(f"{self.path}: result.json names a file {name!r}, none of a run's")
            if name != CONFIG:  # see check_config
                _check_digest(self.path / name, sha256_of(self.path / name), expected)


def is_run_directory(path: Path) -> bool:
    """Whether there is a result.json in it, of whatever kind; False for what can't be a path."""
    return os.path.lexists(path / "result.json")


def look_at(directory: Path) -> StoredRun | Note:
    """The run in a directory, or what is amiss with it."""
    try:
        result = read_result(directory / "result.json")
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return Note(directory, "unfinished", "removed or replaced while it was read")
        message = str(error).removeprefix(f"{directory / 'result.json'}: ")
        return Note(directory, "damaged", f"result.json: {message}")
    if result.status == "running" and not is_locked(directory):
        return StoredRun(directory, replace(result, status="interrupted"), killed=True)
    return StoredRun(directory, result)


def stored_run(path: Path, run_hash: str) -> StoredRun | None:
    """The run in a directory, if it is this one and can be read."""
    found = look_at(path) if is_run_directory(path) else None
    return found if isinstance(found, StoredRun) and found.result.run == run_hash else None


def read_run(directory: Path) -> StoredRun:
    """The run in a directory; StoreError where it can't be read."""
    found = look_at(directory)
    if isinstance(found, Note):
        raise StoreError(str(found))
    return found


def _check_digest(path: Path, found: str, expected: str | None) -> None:
    if found != expected:
        raise StoreError(f"{path}: damaged: its SHA-256 is not the one in result.json")


def _written(directory: Path) -> list[tuple[int, int] | None]:
    """What differs once the files that rows are read from have been replaced."""
    found: list[tuple[int, int] | None] = []
    for name in ("metrics.csv", "result.json"):
        try:
            status = (directory / name).lstat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_ino, status.st_ctime_ns))
    return found


def _known(content: bytes, expected: str) -> bytes:
    """The lines from the first on that have a digest; all of them where none have."""
    digest, length = hashlib.sha256(), 0
    for line in content.splitlines(keepends=True):
        digest.update(line)
        length += len(line)
        if digest.hexdigest() == expected:
            return content[:length]
    return content
