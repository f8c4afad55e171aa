"""torchvision's download, made safe: one at a time, verified, and then there all at once."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
import socket
import sys
from http.client import HTTPException
from typing import TYPE_CHECKING

from optbench.catalog.datasets.alone import alone
from optbench.catalog.datasets.pace import WINDOW, least_pace
from optbench.catalog.datasets.reachability import await_answer, describe_failure
from optbench.catalog.datasets.remote import Remote, UnavailableError
from optbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from optbench.catalog.datasets.remote import RemoteFile

STALL = 10.0  # seconds without a byte that count as a failure
DISK_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO, errno.EACCES}


def download(
    files: Sequence[RemoteFile],
    folder: Path,
    remote: Remote,
    announce: Callable[[str], None],
    *,
    stall: float = STALL,
    window: float = WINDOW,
) -> None:
    """Bring those of `files` that `folder` lacks, each moved there once it is verified.

    Any number of processes may call this for one folder at once: one downloads, the others wait.
    Raises UnavailableError where no mirror has them, none answers in `stall` seconds or each
    sends too little in `window` seconds (`pace.LEAST`), OSError where they can't be stored.
    """
    await_answer(remote.urls(files[0].archive), stall)
    folder.mkdir(parents=True, exist_ok=True)
    with (
        alone(folder / ".download.lock", "download", announce),
        _scratch(folder / ".download") as scratch,
    ):
        for file in files:
            if file.locate(folder) is None:
                announce(f"Downloading {file.archive} to {folder}")
                with _socket_timeout(stall), least_pace(window), _bar_on_terminals_only():
                    _bring(file, scratch, remote)
                _publish(scratch / file.archive, folder / file.archive)


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder on the target's disk; what a killed download left in it goes with it."""
    folder.mkdir(exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bring(file: RemoteFile, scratch: Path, remote: Remote) -> None:
    """Download one file by torchvision, from the first mirror that has the genuine one."""
    from torchvision.datasets.utils import download_url  # takes seconds, as it imports torch

    failures = []
    for url in remote.urls(file.archive):
        try:
            download_url(url, scratch, file.archive, md5=remote.md5.get(file.archive))
            file.check(scratch / file.archive)
        except (OSError, HTTPException, RuntimeError, DataError) as error:
            if getattr(error, "errno", None) in DISK_FAULTS:
                raise
            failures.append(describe_failure(url, error))
        else:
            return
    raise UnavailableError(f"no mirror has a good {file.archive}", failures)


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """A time limit for each receive; torchvision takes no such argument."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _bar_on_terminals_only() -> contextlib.AbstractContextManager[object]:
    """torchvision draws its progress bar on standard error, whatever that is."""
    if sys.stderr.isatty():
        return contextlib.nullcontext()
    return contextlib.redirect_stderr(io.StringIO())


def _publish(finished: Path, target: Path) -> None:
    """Move a file to its place so that it is there whole or not at all, even after a power cut."""
    _sync(finished)
    finished.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
