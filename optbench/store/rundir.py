"""Writing a run directory. What each file holds: docs/formats.md."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import os
import shutil
from typing import TYPE_CHECKING

from optbench.errors import StoreError
from optbench.store.atomic import (
    half_written,
    sync,
    sync_directory,
    write_atomic,
    write_error,
    write_together,
)
from optbench.store.bounded import read_bounded
from optbench.store.checkpoint_header import LIMIT
from optbench.store.metrics import Row, format_rows
from optbench.store.own_config import CONFIG
from optbench.store.result import Result, format_result, read_result
from optbench.store.staged import digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optbench.store.staged import Content

CHECKPOINT = "checkpoint.pt"
PREVIOUS = "checkpoint.prev.pt"
STATE = "state.pt"  # the last, which a finished run may keep
# What is written whole, and so under another name first.
_WHOLE = frozenset(
    (CONFIG, "metrics.csv", "timing.csv", "result.json", "weights.pt", CHECKPOINT, PREVIOUS, STATE)
)

Timing = tuple[int, float, float]  # steps; seconds of training and of evaluation since the last


class RunDirectory:
    """The files of one run, written in an order that a kill at any moment leaves resumable."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config: dict[str, str] = {}  # the digest of config.yaml once it is written

    def create(self) -> None:
        """Make the directory; `StoreError` where the store does not allow it.

        The store may be a symbolic link; below it one would lead the run's files out of it.
        """
        try:
            for folder in (self.path.parent, self.path):
                if folder.is_symlink():
                    raise StoreError(f"{folder}: a symbolic link, not followed; remove it")
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(self.path, error) from error

    @property
    def beside(self) -> RunDirectory:
        """Where a finished run trains again until it may take the place of this one."""
        return RunDirectory(self.path.with_name(f".{self.path.name}.new"))

    def result(self) -> Result | None:
        """What result.json says, or None where there is none that can be read."""
        try:
            return read_result(self.path / "result.json")
        except StoreError:
            return None

    def leftovers(self) -> list[Path]:
        """What a kill left of files that were being written; other hidden files aren't ours."""
        return half_written(self.path, _WHOLE)

    def delete_leftovers(self) -> None:
        """Remove them; only under the lock."""
        for path in self.leftovers():
            path.unlink(missing_ok=True)

    def write_config(self, text: str) -> None:
        content = text.encode()
        write_atomic(self.path / CONFIG, content, durable=False)
        self.config = {CONFIG: hashlib.sha256(content).hexdigest()}

    def write_checkpoint(self, content: Content) -> None:
        """The commit point: once this returns, a run that is killed goes on from here.

        Whole in the old names or the new, but on the disk only after `sync_checkpoint`; the one
        before has to be there by now.
        """
        current = self.path / CHECKPOINT
        try:
            if current.exists():
                current.replace(self.path / PREVIOUS)
        except OSError as error:
            raise write_error(current, error) from error
        write_atomic(current, content, durable=False)

    def sync_checkpoint(self) -> None:
        """From here on, power that fails does not take the newest checkpoint."""
        sync(self.path / CHECKPOINT)

    def sync_config(self) -> None:
        sync(self.path / CONFIG)

    def checkpoints(self) -> tuple[Path, ...]:
        """The stored checkpoints, newest first."""
        paths = (self.path / CHECKPOINT, self.path / PREVIOUS)
        return tuple(path for path in paths if path.exists())

    def read_checkpoint(self, path: Path) -> bytes:
        """The content of one of `checkpoints()`, or of a shorter run's last state.

        `StoreError` where it can't be read.
        """
        return read_bounded(path, LIMIT)

    def delete_checkpoints(self) -> None:
        """Leave nothing to resume from; the newest goes last, being the one that counts."""
        try:
            for name in (PREVIOUS, CHECKPOINT):
                (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise write_error(self.path, error) from error

    def write_progress(
        self, rows: Sequence[Row], timings: Sequence[Timing], result: Result
    ) -> None:
        """Bring the readable files up to the checkpoint; they can be made again from it."""
        write_together(self._readable(rows, timings, result, {}), durable=False)

    def write_end(
        self,
        rows: Sequence[Row],
        timings: Sequence[Timing],
        result: Result,
        weights: Content | None,
        state: Content | None = None,
    ) -> None:
        """Store the end of a run; result.json comes last, and only then go the checkpoints.

        The last `state`, where it is to be kept, holds its own digest and may be deleted any time.
        """
        files, digests = {}, {}
        if state is not None:
            files[self.path / STATE] = state
        if weights is not None:
            files[self.path / "weights.pt"] = weights
            digests["weights.pt"] = digest(weights)
        write_together(files | self._readable(rows, timings, result, digests))
        if result.status in ("completed", "diverged"):
            self.delete_checkpoints()

    def fail(self, reason: str) -> Result | None:
        """Say that the process that trained it died; None where it had not stored anything yet.

        Its rows may be ahead of result.json, so there is no digest of them any more.
        """
        stored = self.result()
        if stored is None:
            return None
        kept = {name: digest for name, digest in stored.files.items() if name == CONFIG}
        failed = dataclasses.replace(stored, status="failed", reason=reason, files=kept)
        write_atomic(self.path / "result.json", format_result(failed).encode())
        self.log(reason)
        return failed

    def log(self, text: str) -> None:
        """Append a warning or traceback to log.txt."""
        path = self.path / "log.txt"
        try:
            # A stranger's run directory may have a link or a FIFO in this place.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
            with os.fdopen(os.open(path, flags, 0o644), "ab") as stream:
                stream.write(f"{text.rstrip()}\n".encode(errors="backslashreplace"))
        except OSError as error:
            raise write_error(path, error) from error

    def replace(self, other: Path) -> None:
        """Take the place of another run directory, whole; the other is deleted."""
        aside = other.with_name(f".{other.name}.old")
        shutil.rmtree(aside, ignore_errors=True)
        try:
            if other.exists():
                other.replace(aside)
            self.path.replace(other)
            sync_directory(other.parent)
        except OSError as error:
            raise write_error(other, error) from error
        shutil.rmtree(aside, ignore_errors=True)
        self.path = other

    def _readable(
        self,
        rows: Sequence[Row],
        timings: Sequence[Timing],
        result: Result,
        digests: dict[str, str],
    ) -> dict[Path, bytes]:
        """The files that people read; result.json, with the digests of the others, is the last."""
        config = {name: digest for name, digest in result.files.items() if name == CONFIG}
        tables = {"metrics.csv": format_rows(rows).encode(), "timing.csv": _format_timings(timings)}
        of_tables = {name: hashlib.sha256(text).hexdigest() for name, text in tables.items()}
        final = dataclasses.replace(result, files={**config, **self.config, **of_tables, **digests})
        tables["result.json"] = format_result(final).encode()
        return {self.path / name: content for name, content in tables.items()}


def check_writable(root: Path) -> None:
    """Raise `StoreError` where no run directory can be made under a store."""
    probe = root / f".writable-{os.getpid()}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        remedy = "name a folder that can be written to: --runs-dir FOLDER"
        raise StoreError(f"{write_error(root, error)}\n  {remedy}") from error


def _format_timings(timings: Sequence[Timing]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["steps", "train_seconds", "evaluation_seconds"])
    writer.writerows([steps, f"{train:.6f}", f"{rest:.6f}"] for steps, train, rest in timings)
    return stream.getvalue().encode()
