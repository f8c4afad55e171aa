"""Finding the runs in a store, an experiment's folder or a single run directory."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optbench.config.suggest import did_you_mean
from optbench.errors import StoreError, UsageError
from optbench.store.borrowed import borrowed, list_damage
from optbench.store.folders import is_folder, subfolders
from optbench.store.stored_run import Asker, Note, StoredRun, is_run_directory, look_at
from optbench.store.tuning import is_tuning_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

RUN_NAME = re.compile(r".+-s\d+-([0-9a-f]{8})", re.ASCII)  # of its directory, with its hash


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


def beside(runs: Sequence[StoredRun]) -> tuple[StoredRun, ...]:
    """The other runs in the folders of these; those that can't be read are left out."""
    known = {run.path for run in runs}
    folders = dict.fromkeys(run.path.parent for run in runs)
    directories = (path for folder in folders for path in run_directories(folder))
    found = (look_at(path) for path in directories if path not in known)
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


def _names(run: StoredRun) -> tuple[str, str]:
    return run.path.name, run.result.run


def _walk(root: Path) -> Iterator[StoredRun | Note]:
    if not is_folder(root):
        there = "is not a directory" if root.exists() else "does not exist"
        raise UsageError(f"{root}: {there}; train runs with `optbench run CONFIG.yaml`")
    if is_run_directory(root):
        yield look_at(root)
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
    found = [look_at(folder) for folder in borrowed(root) if is_run_directory(folder)]
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
        yield look_at(folder)
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
    yield from (look_at(path) for path in shared if is_run_directory(path))


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
    return look_at(member)


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
