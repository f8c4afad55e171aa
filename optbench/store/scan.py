"""Finding the runs in a store, an experiment's folder or a single run directory."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from optbench.config.suggest import did_you_mean
from optbench.errors import StoreError, UsageError
from optbench.store.borrowed import borrowed, list_damage
from optbench.store.bounded import open_regular, read_bounded, sha256_of
from optbench.store.folders import is_folder, subfolders
from optbench.store.lock import is_locked
from optbench.store.metrics import MetricsError, Row, parse_rows
from optbench.store.own_config import CONFIG
from optbench.store.result import Result, Status, read_result
from optbench.store.timing import train_seconds
from optbench.store.tuning import is_tuning_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

METRICS_LIMIT = 50_000_000  # bytes
# The files whose SHA-256 result.json may hold.
DIGESTED = ("metrics.csv", "timing.csv", "weights.pt", CONFIG)

RUN_NAME = re.compile(r".+-s\d+-([0-9a-f]{8})", re.ASCII)  # of its directory, with its hash

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

        Of a killed run, those that result.json knows; of one that was written meanwhile, those of
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
            if found != expected:
                now = _read(self.path)  # may say the same though it was begun anew in between
                if isinstance(now, StoredRun) and (now != self or _written(self.path) != before):
                    return now.rows
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


@dataclass(frozen=True)
class Scan:
    """What a store holds: runs in a stable order, each once, and a note for what is amiss."""

    runs: tuple[StoredRun, ...]
    notes: tuple[Note, ...]


def scan(*roots: Path) -> Scan:
    """The runs under stores, experiments' folders or run directories.

    Of a store the trials of searches are left out, with a note; their folder can be a root.
    Raises UsageError if there is nothing at all. Symbolic links below a root are not followed.
    """
    runs: list[StoredRun] = []
    notes: list[Note] = []
    for found in (found for root in roots for found in _walk(root)):
        if isinstance(found, Note):
            notes.append(found)
        else:
            runs.append(found)
    if not runs and not notes:
        listed = ", ".join(map(str, roots))
        raise UsageError(f"{listed}: no runs here; train some with `optbench run CONFIG.yaml`")
    kept = _each_once(runs)
    notes.extend(filter(None, map(_unfinished, kept)))
    return Scan(kept, tuple(notes))


def run_directories(root: Path) -> Iterator[Path]:
    """The directories with a result.json of whatever kind, of a store, an experiment or a run.

    Symbolic links below the root are not followed.
    """
    if is_run_directory(root):
        yield root
        return
    for folder in (folder for folder in _listed(root) if not folder.is_symlink()):
        if is_run_directory(folder):
            yield folder
        else:
            with suppress(OSError):  # not ours to list
                members = (path for path in subfolders(folder) if not path.is_symlink())
                yield from filter(is_run_directory, members)


def stored_run(path: Path, run_hash: str) -> StoredRun | None:
    """The run in a directory, if it is this one and can be read."""
    found = _read(path) if is_run_directory(path) else None
    return found if isinstance(found, StoredRun) and found.result.run == run_hash else None


def read_run(directory: Path) -> StoredRun:
    """The run in a directory; StoreError where it can't be read."""
    found = _read(directory)
    if isinstance(found, Note):
        raise StoreError(str(found))
    return found


def beside(runs: Sequence[StoredRun]) -> tuple[StoredRun, ...]:
    """The other runs in the folders of these; those that can't be read are left out."""
    known = {run.path for run in runs}
    folders = dict.fromkeys(run.path.parent for run in runs)
    directories = (path for folder in folders for path in run_directories(folder))
    found = (_read(path) for path in directories if path not in known)
    return tuple(run for run in found if isinstance(run, StoredRun))


def find_run(runs: Iterable[StoredRun], name: str) -> StoredRun:
    """The run that a path, a directory's name or the beginning of a hash means.

    Raises UsageError if there is none or more than one.
    """
    candidates = list(runs)
    exact = [run for run in candidates if name in (run.path.name, str(run.path))]
    found = exact or [
        run for run in candidates if any(known.startswith(name) for known in _names(run))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(run.path.name for run in found[:5])
        raise UsageError(f"{name!r} means {len(found)} runs: {listed}; name one")
    hint = did_you_mean(name, [run.path.name for run in candidates])
    raise UsageError(f"no run is {name!r}; {hint or '`optbench runs list` names them'}")


def is_run_directory(path: Path) -> bool:
    """Whether there is a result.json in it, of whatever kind; False for what can't be a path."""
    return os.path.lexists(path / "result.json")


def _names(run: StoredRun) -> tuple[str, str]:
    return run.path.name, run.result.run


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


def _walk(root: Path) -> Iterator[StoredRun | Note]:
    if not is_folder(root):
        there = "is not a directory" if root.exists() else "does not exist"
        raise UsageError(f"{root}: {there}; train runs with `optbench run CONFIG.yaml`")
    if is_run_directory(root):
        yield _read(root)
        return
    own: list[StoredRun | Note] = []
    for folder in _listed(root):
        own += _read_trials(folder, root) if is_tuning_folder(folder) else _read_folder(folder)
    yield from own
    yield from _read_borrowed(root, own)
    if damage := list_damage(root):
        yield Note(root, "damaged", damage)


def _read_borrowed(root: Path, own: Iterable[StoredRun | Note]) -> Iterator[StoredRun | Note]:
    """The runs that an experiment's folder names, as many seeds asked for as of those in it.

    Without any in it, as many as are named of each setting.
    """
    found = [_read(folder) for folder in borrowed(root) if is_run_directory(folder)]
    counts = [one.result.declared_seeds for one in own if isinstance(one, StoredRun)]
    named = Counter(one.result.setting for one in found if isinstance(one, StoredRun))
    for one in found:
        if isinstance(one, Note):
            yield one
        else:
            seeds = max(counts, default=named[one.result.setting])
            yield replace(one, asker=Asker(root.resolve().name, seeds))


def _listed(root: Path) -> list[Path]:
    try:
        return subfolders(root)
    except OSError as error:
        raise StoreError(f"{root}: {error.strerror}") from error


def _read_folder(folder: Path) -> Iterator[StoredRun | Note]:
    """A run directory's run, or the runs of an experiment's folder."""
    if folder.is_symlink():
        yield Note(folder, "unreadable", "a symbolic link, not followed")
    elif is_run_directory(folder):
        yield _read(folder)
    else:
        yield from _read_experiment(folder)


def _read_trials(folder: Path, store: Path) -> Iterator[StoredRun | Note]:
    """Of a folder of trials the runs that another experiment counts among its own."""
    if folder.is_symlink():
        yield Note(folder, "unreadable", "a symbolic link, not followed")
        return
    trials = sum(map(is_run_directory, _listed(folder)))
    told = "1 run" if trials == 1 else f"{trials:,} runs"
    yield Note(folder, "tuning", f"{told} of a search, left out; name the folder to see them")
    others = (path for path in _listed(store) if not is_tuning_folder(path))
    wanted = {path.resolve() for other in others for path in borrowed(other)}
    shared = (path for path in _listed(folder) if path.resolve() in wanted)
    yield from (_read(path) for path in shared if is_run_directory(path))


def _read_experiment(folder: Path) -> Iterator[StoredRun | Note]:
    try:
        members = subfolders(folder)
    except OSError as error:
        yield Note(folder, "unreadable", error.strerror or "can't be listed")
        return
    if not members:
        yield Note(folder, "foreign", "no result.json in it")
    for member in members:
        yield _read_member(member)


def _read_member(member: Path) -> StoredRun | Note:
    if member.is_symlink():
        return Note(member, "unreadable", "a symbolic link, not followed")
    if not is_run_directory(member):
        if RUN_NAME.fullmatch(member.name):
            return Note(member, "unfinished", "nothing of it is stored yet")
        return Note(member, "foreign", "no result.json in it")
    return _read(member)


def _read(directory: Path) -> StoredRun | Note:
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


def _each_once(runs: Iterable[StoredRun]) -> tuple[StoredRun, ...]:
    """One directory a run: the first of those that are worth most."""
    copies: defaultdict[str, list[StoredRun]] = defaultdict(list)
    for run in runs:
        copies[run.result.run].append(run)
    return tuple(min(same, key=_flaws) if len(same) > 1 else same[0] for same in copies.values())


def _flaws(run: StoredRun) -> tuple[bool, bool]:
    """Least for a completed run that is whole, then for a diverged one, then for the rest."""
    return not (run.finished and _is_whole(run)), run.status != "completed"


def _is_whole(run: StoredRun) -> bool:
    try:
        run.check_files()
    except StoreError:
        return False
    return True


def _unfinished(run: StoredRun) -> Note | None:
    if run.status in ("completed", "diverged", "pruned"):
        return None
    epoch = (run.result.last or {}).get("epoch")
    progress = "" if epoch is None else f" after epoch {epoch:g}"
    reason = f" ({run.result.reason})" if run.result.reason else ""
    return Note(run.path, "unfinished", run.status + progress + reason)
